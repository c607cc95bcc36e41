import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { type CelProgram, compileCel, describeIssues } from '../../machinery/cel/cel.ts'
import { type CelType, celTypes } from '../../machinery/cel/cel-type.ts'
import type { Environment } from '../../machinery/cel/environment.ts'
import { fromJson } from '../../machinery/cel/json-value.ts'
import { kubernetesEnvironment } from '../../machinery/cel/kubernetes-environment.ts'
import { quantityOfText } from '../../machinery/cel/quantity-library.ts'
import type { CelMap, Value } from '../../machinery/cel/value.ts'
import type { CompileContext, CompiledPlugin, Plugin, Rejection } from '../core/plugin.ts'
import type { PodShape } from '../core/pod-shape.ts'
import { scoreMax } from '../core/score-formulas.ts'
import type { Snapshot } from '../core/snapshot.ts'

export type CelFilter = { readonly expression: string; readonly message?: string }
export type CelScore = { readonly expression: string; readonly weight: number }

/** What one evaluation may cost, in cel-go's units of about 50 ns: expressions run for every node. */
const costMax = 10_000
const defaultMessage = "node(s) didn't match a CEL filter"

const { string, dyn, bool, int, double } = celTypes
const labels = celTypes.map(string, string)
const quantities = celTypes.map(string, celTypes.opaque('kubernetes.Quantity'))
/** Pods that look alike are decided alike: expressions see what such pods have in common. */
const podType = celTypes.object('keelson.Pod', {
  metadata: celTypes.object('keelson.PodMetadata', { namespace: string, labels }),
  spec: celTypes.object('keelson.PodSpec', {
    nodeSelector: labels,
    tolerations: celTypes.list(dyn),
    affinity: dyn,
    topologySpreadConstraints: celTypes.list(dyn),
  }),
  requests: quantities,
})
const nodeType = celTypes.object('keelson.Node', {
  metadata: celTypes.object('keelson.NodeMetadata', { name: string, labels, annotations: labels }),
  spec: celTypes.object('keelson.NodeSpec', { unschedulable: bool, taints: celTypes.list(dyn) }),
  allocatable: quantities,
})

/** These expressions are Keelson's own. */
const extras = ['bindings', 'math'] as const
let environments: { readonly still: Environment; readonly moving: Environment } | undefined

type Expression = {
  readonly text: string
  readonly program: CelProgram
  /** Whether it reads `requested`, which changes with the pods of the node. */
  readonly readsUsage: boolean
}

/** Throws with the place and the compiler's words for what does not compile. */
export function compileExpression(text: string, results: readonly CelType[]): Expression {
  environments ??= {
    still: kubernetesEnvironment({ variables: { pod: podType, node: nodeType }, extras }),
    moving: kubernetesEnvironment({ variables: { pod: podType, node: nodeType, requested: quantities }, extras }),
  }
  const still = compileCel(environments.still, text, { results })
  if (still.program) return { text, program: still.program, readsUsage: false }
  const moving = compileCel(environments.moving, text, { results })
  if (moving.program) return { text, program: moving.program, readsUsage: true }
  throw new Error(`compilation failed: ${describeIssues(text, moving.issues)}`)
}

export const filterResults = [bool]
export const scoreResults = [int, double]

/**
 * Filters and scores that are written in the configuration: a node passes when every filter says true; its score is the weighted mean of
 * the scores, each held within 0..100. An expression that fails rejects the node, or scores 0, and says why.
 */
export function celPlugin(
  filters: readonly { readonly filter: CelFilter; readonly compiled: Expression }[],
  scores: readonly { readonly score: CelScore; readonly compiled: Expression }[],
): Plugin {
  return {
    name: 'CEL',
    weight: 1,
    compile: (context) => {
      if (filters.length === 0 && scores.length === 0) return undefined
      const evaluate = evaluator(context)
      return { ...compileFilters(filters, evaluate), ...compileScores(scores, evaluate) }
    },
  }
}

type Evaluate = (expression: Expression, row: number) => { readonly value?: Value; readonly error?: string }

function compileFilters(
  filters: readonly { readonly filter: CelFilter; readonly compiled: Expression }[],
  evaluate: Evaluate,
): CompiledPlugin {
  if (filters.length === 0) return {}
  const passes = (of: typeof filters) => (row: number) => of.every((f) => evaluate(f.compiled, row).value === true)
  const [still, moving] = [filters.filter((f) => !f.compiled.readsUsage), filters.filter((f) => f.compiled.readsUsage)]
  const reject = (row: number): Rejection => {
    const failed = filters.filter((f) => evaluate(f.compiled, row).value !== true)
    return {
      reasons: [...new Set(failed.map(({ filter }) => filter.message ?? defaultMessage))],
      details: failed.map(({ filter: { expression }, compiled }) => {
        const { error } = evaluate(compiled, row)
        return `${expression} is ${error === undefined ? 'false' : `an error: ${error}`}`
      }),
      remedies: [
        { kind: 'Other', text: `make true what the configuration asks for: ${failed.map((f) => f.filter.expression).join(' && ')}` },
      ],
      // Pods that go change what is requested, and nothing else here.
      isResolvable: failed.every((f) => f.compiled.readsUsage),
    }
  }
  return {
    ...(still.length > 0 ? { staticFilter: passes(still) } : {}),
    ...(moving.length > 0 ? { usageFilter: passes(moving) } : {}),
    reject,
  }
}

function compileScores(scores: readonly { readonly score: CelScore; readonly compiled: Expression }[], evaluate: Evaluate): CompiledPlugin {
  if (scores.length === 0) return {}
  const weights = scores.reduce((sum, s) => sum + s.score.weight, 0)
  const scoreOf = (compiled: Expression, row: number) => {
    const { value } = evaluate(compiled, row)
    return typeof value === 'bigint' || typeof value === 'number' ? Math.min(scoreMax, Math.max(0, Number(value) || 0)) : 0
  }
  const total = (row: number) => Math.floor(scores.reduce((sum, s) => sum + s.score.weight * scoreOf(s.compiled, row), 0) / weights)
  const explainScore: CompiledPlugin['explainScore'] = (row, { score }) => {
    const terms = scores.map(({ score: { expression, weight }, compiled }) => {
      const { error } = evaluate(compiled, row)
      return `${weight}×${scoreOf(compiled, row)} [${error === undefined ? expression : `${expression}: ${error}`}]`
    })
    return `⌊(${terms.join(' + ')})/${weights}⌋ = ${score}`
  }
  return { ...(scores.some((s) => s.compiled.readsUsage) ? { usageScore: total } : { staticScore: total }), explainScore }
}

function evaluator({ snapshot, shape }: CompileContext): Evaluate {
  const pod = podValue(shape)
  const nodes = new WeakMap<Node, Value>()
  return ({ program }, row) => {
    const node = snapshot.nodes[row]!
    let value = nodes.get(node)
    if (!value) nodes.set(node, (value = nodeValue(node)))
    const result = program.evaluate({ pod, node: value, requested: requestedOn(snapshot, row) }, { costMax })
    return result.error ? { error: result.error.message } : { value: result.value }
  }
}

function podValue({ namespace, labels: of, spec, requests }: PodShape): Value {
  const { nodeSelector = {}, tolerations = [], affinity = {}, topologySpreadConstraints = [] } = spec
  const json = {
    metadata: { namespace, labels: of },
    spec: { nodeSelector, tolerations, affinity, topologySpreadConstraints },
  }
  return withField(
    json,
    podType,
    'requests',
    quantityMap(Object.entries(requests).map(([name, amount]) => [name, amountQuantity(name, amount)])),
  )
}

function nodeValue({ metadata, spec, status }: Node): Value {
  const json = {
    metadata: { name: metadata.name, labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} },
    spec: { unschedulable: spec?.unschedulable ?? false, taints: spec?.taints ?? [] },
  }
  const allocatable = Object.entries(status?.allocatable ?? {}).map(([name, amount]) => [name, String(amount)] as const)
  return withField(json, nodeType, 'allocatable', quantityMap(allocatable))
}

const amountQuantity = (name: string, amount: number) => (name === 'cpu' ? `${amount}m` : String(amount))

/** JSON as an object of the type, with one field that is no JSON. */
function withField(json: object, type: CelType & { readonly kind: 'object' }, field: string, value: Value): Value {
  const rest = fromJson(json, type) as { get(name: string): Value | undefined; fields(): readonly string[] }
  return { kind: 'struct', type, get: (name) => (name === field ? value : rest.get(name)), fields: () => [...rest.fields(), field] }
}

function quantityMap(entries: readonly (readonly [string, string])[]): CelMap {
  const texts = new Map(entries)
  return mapOf([...texts.keys()], (name) => texts.get(name))
}

/** What the pods of the node ask for together; resources that none asks for are 0. */
function requestedOn(snapshot: Snapshot, row: number): CelMap {
  const names = Array.from({ length: snapshot.resources.size }, (_, id) => snapshot.resources.name(id))
  return mapOf(names, (name) => {
    const id = names.indexOf(name)
    return id < 0 ? undefined : amountQuantity(name, snapshot.requested[id]![row]!)
  })
}

function mapOf(names: readonly string[], textOf: (name: string) => string | undefined): CelMap {
  return {
    kind: 'map',
    size: names.length,
    get: (key) => {
      const text = typeof key === 'string' ? textOf(key) : undefined
      return text === undefined ? undefined : quantityOfText(text)
    },
    keys: () => names,
  }
}
