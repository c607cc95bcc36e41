import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unreachable } from '../../base/assert.ts'
import { type Random, seededRandom } from '../../base/random.ts'
import type { Node, Pod, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import type { Remedy } from '../core/plugin.ts'
import { randomNode, randomPod } from '../core/random-cluster.ts'
import { SchedulerCore } from '../core/scheduler-core.ts'
import { allPlugins } from '../plugins/all.ts'
import { isSlip } from '../plugins/label-remedies.ts'
import { explainPod } from './explain.ts'
import type { SchedulingExplanation, Suggestion } from './explanation.ts'

type World = { readonly nodes: readonly Node[]; readonly running: readonly { readonly pod: Pod; readonly on: string }[] }

function coreOf({ nodes, running }: World): SchedulerCore {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  core.snapshot.setNamespace('default', { team: 'blue' })
  for (const node of nodes) core.snapshot.setNode(node)
  for (const { pod, on } of running) core.snapshot.addPod(`default/${pod.metadata.name}`, pod, on)
  return core
}

function explained(core: SchedulerCore, pod: Pod): SchedulingExplanation {
  const target = { key: 'default/p', pod, priority: pod.spec?.priority ?? 0 }
  return explainPod({ core, target, record: undefined, isOurs: true, isGated: false })
}

const isDoable = ({ changes }: Suggestion) => changes.length > 0 && changes.every((change) => change.kind !== 'Other')

/** Does what is suggested, and asks whether the node then takes the pod. */
function helps(world: World, pod: Pod, suggestion: Suggestion): boolean {
  let node = world.nodes.find((n) => n.metadata.name === suggestion.node)!
  let changed = pod
  let { running } = world
  for (const change of suggestion.changes) {
    node = nodeAfter(node, change)
    changed = podAfter(changed, change)
    if (change.kind === 'FreePort')
      running = running.filter(
        ({ pod: other, on }) =>
          on !== suggestion.node ||
          !other.spec!.containers.some((c) => c.ports?.some((p) => `${p.hostPort}/${p.protocol}` === change.port)),
      )
  }
  const core = coreOf({ nodes: world.nodes.map((n) => (n.metadata.name === suggestion.node ? node : n)), running })
  return explained(core, changed).nodes.some((n) => n.name === suggestion.node && n.verdict === 'Feasible')
}

/** Room that pods give back is room as any other: the node is made larger by it. */
function nodeAfter(node: Node, change: Remedy): Node {
  const { metadata, spec, status } = node
  switch (change.kind) {
    case 'Free': {
      const old = Number.parseFloat(String(status!.allocatable![change.resource] ?? '0'))
      const more = { cpu: `${old * 1000 + change.amount}m`, memory: `${old * 2 ** 30 + change.amount}` }[change.resource]
      return {
        ...node,
        status: { ...status, allocatable: { ...status!.allocatable, [change.resource]: more ?? String(old + change.amount) } },
      }
    }
    case 'Uncordon':
      return { ...node, spec: { taints: (spec?.taints ?? []).filter((t) => t.key !== 'node.kubernetes.io/unschedulable') } }
    case 'LabelNode': {
      const kept = Object.entries(metadata.labels ?? {}).filter(([key]) => !change.removed.includes(key))
      return { ...node, metadata: { ...metadata, labels: { ...Object.fromEntries(kept), ...change.labels } } }
    }
    default:
      return node
  }
}

function podAfter(pod: Pod, change: Remedy): Pod {
  const spec = specAfter(pod.spec!, change)
  return spec === pod.spec ? pod : { ...pod, spec }
}

function specAfter(spec: PodSpec, change: Remedy): PodSpec {
  switch (change.kind) {
    case 'ReduceRequest': {
      const [main] = spec.containers
      const amount = change.resource === 'cpu' ? `${change.to}m` : String(change.to)
      const requests = { ...main!.resources?.requests, [change.resource]: amount }
      return { ...spec, containers: [{ ...main!, resources: { requests } }] }
    }
    case 'TolerateTaint': {
      const { key, value, effect } = change.taint
      const added = { key, operator: 'Equal' as const, value, effect: effect as 'NoSchedule' }
      return { ...spec, tolerations: [...(spec.tolerations ?? []), added] }
    }
    case 'RaiseMaxSkew': {
      const constraints = spec.topologySpreadConstraints!.map((c) =>
        c.topologyKey === change.topologyKey ? { ...c, maxSkew: Math.max(c.maxSkew, change.to) } : c,
      )
      return { ...spec, topologySpreadConstraints: constraints }
    }
    case 'ChangeSelector': {
      const { [change.from.key]: _, ...others } = spec.nodeSelector ?? {}
      return { ...spec, nodeSelector: { ...others, [change.to.key]: change.to.value } }
    }
    case 'Free':
    case 'Uncordon':
    case 'LabelNode':
    case 'FreePort':
    case 'Other':
      return spec
    default:
      return unreachable(change)
  }
}

function randomWorld(random: Random): World {
  const nodes = Array.from({ length: 2 + random.below(5) }, (_, i) => cordoned(randomNode(random, `n${i}`)))
  const running = Array.from({ length: nodes.length * 3 }, (_, i) => {
    const pod = randomPod(random, `r${i}`)
    return { pod: withPort(pod, random), on: `n${random.below(nodes.length)}` }
  })
  return { nodes, running }
}

/** As the node's controller has it: a cordoned node has the taint, too. */
function cordoned(node: Node): Node {
  if (!node.spec?.unschedulable) return node
  const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' as const }
  return { ...node, spec: { ...node.spec, taints: [...(node.spec.taints ?? []), taint] } }
}

function withPort(pod: Pod, random: Random): Pod {
  if (random.below(4) > 0) return pod
  const ports = [80, 81].slice(0, 1 + random.below(2)).map((port) => ({ containerPort: port, hostPort: port, protocol: 'TCP' as const }))
  return { ...pod, spec: { ...pod.spec!, containers: pod.spec!.containers.map((c) => ({ ...c, ports })) } }
}

/** The same with a little less of what is to be changed by an amount; undefined where there is no amount. */
function lessOf(suggestion: Suggestion): Suggestion | undefined {
  const [change] = suggestion.changes
  if (change?.kind === 'Free') return { ...suggestion, changes: [{ ...change, amount: change.amount - 1 }, ...suggestion.changes.slice(1)] }
  if (change?.kind === 'ReduceRequest')
    return { ...suggestion, changes: [{ ...change, to: change.to + 1 }, ...suggestion.changes.slice(1)] }
  return change?.kind === 'RaiseMaxSkew' ? { ...suggestion, changes: [{ ...change, to: change.to - 1 }] } : undefined
}

test('what is suggested helps when it is done, and a little less does not', () => {
  const tried = new Set<string>()
  for (let seed = 1; seed <= 800; seed++) {
    const random = seededRandom(seed)
    const world = randomWorld(random)
    const pod = withPort(randomPod(random, 'p'), random)
    const { suggestions, nodes } = explained(coreOf(world), pod)
    if (nodes.some((n) => n.verdict === 'Feasible')) continue
    for (const suggestion of suggestions.filter(isDoable)) {
      tried.add(suggestion.action)
      assert.ok(helps(world, pod, suggestion), `seed ${seed}: ${suggestion.text}\n${JSON.stringify(pod.spec)}`)
      const less = lessOf(suggestion)
      if (less) assert.ok(!helps(world, pod, less), `seed ${seed}, less would do: ${suggestion.text}`)
    }
  }
  const all = ['Free', 'ReduceRequest', 'FreePort', 'LabelNode', 'Combine', 'TolerateTaint', 'Uncordon', 'RaiseMaxSkew']
  assert.deepEqual([...tried].sort(), all.sort())
})

for (const { a, b, is } of [
  { a: 'sdd', b: 'ssd', is: true },
  { a: 'sd', b: 'ssd', is: true },
  { a: 'SSD', b: 'ssd', is: true },
  { a: 'hdd', b: 'ssd', is: false },
  { a: 'zone1', b: 'zone2', is: false },
  { a: 'zone1', b: 'zone12', is: false },
  { a: 'eu-west', b: 'eu-wset', is: true },
  { a: 'same', b: 'same', is: false },
  { a: 'on', b: 'of', is: false },
])
  test(`${a} is ${is ? '' : 'not '}a slip for ${b}`, () => assert.equal(isSlip(a, b), is))
