/** One mutating policy on one request: its expressions, run, and what they make of the object. Loaded with the first policy. */
import type { MutatingAdmissionPolicy, Mutation } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { appliedFault } from '../../../machinery/apply/check-applied.ts'
import { mergeValues } from '../../../machinery/apply/typed-value.ts'
import { celTypes } from '../../../machinery/cel/cel-type.ts'
import { fromJson, toJson } from '../../../machinery/cel/json-value.ts'
import type { Value } from '../../../machinery/cel/value.ts'
import { deepClone } from '../../../machinery/deep-clone.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import { applyJsonPatch } from '../../../machinery/patch/json-patch.ts'
import type { SchemaNode } from '../../../machinery/schema/schema-node.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import { StatusError, statusErrors } from '../../../machinery/status-error.ts'
import type { Resource } from '../../registry.ts'
import type { Bindings } from '../dynamic/bindings.ts'
import { runConditions } from '../dynamic/conditions.ts'
import {
  type Budget,
  compileExpression,
  type Expression,
  requestCostMax,
  runExpression,
} from '../../../kinds/admissionregistration/expressions.ts'
import { finishPatched, schemaOf } from '../dynamic/patched-object.ts'
import { compileBase, mutationTypes, type PolicyBase } from '../../../kinds/admissionregistration/compiled-policy.ts'
import { type Check, checkErrorOf } from './policy-metrics.ts'
import { withPolicyVariables } from './policy-variables.ts'

type Compiled = {
  readonly base: PolicyBase
  readonly mutations: readonly { readonly mutation: Mutation; readonly expression: Expression }[]
}

const compiled = new WeakMap<object, Compiled>()

function compile(policy: MutatingAdmissionPolicy): Compiled {
  const known = compiled.get(policy)
  if (known) return known
  const { spec } = policy
  const base = compileBase(spec ?? {}, { makesMutations: true })
  const mutations = (spec?.mutations ?? []).map((mutation) => ({
    mutation,
    expression:
      mutation.patchType === 'JSONPatch'
        ? compileExpression(base.environment, mutation.jsonPatch?.expression ?? '', [mutationTypes.patches])
        : compileExpression(base.environment, mutation.applyConfiguration?.expression ?? '', [mutationTypes.object]),
  }))
  const result = { base, mutations }
  compiled.set(policy, result)
  return result
}

export type Mutated = { readonly object: KubeObject; readonly errors: readonly string[]; readonly checks: readonly Check[] }

/**
 * The object after the policy's mutations, each of which sees what those before it did; the object itself where the policy is
 * not for it. A mutation that fails changes nothing, and those after it are tried all the same.
 */
export function applyMutations(
  policy: MutatingAdmissionPolicy,
  object: KubeObject,
  parts: { readonly bindings: Bindings; readonly resource: Resource; readonly schemas: SchemaSet; readonly nowMs: () => number },
): Mutated {
  const { base, mutations } = compile(policy)
  const conditions = runConditions(base.conditions, parts.bindings, policy.spec?.failurePolicy)
  if (conditions.error !== undefined) return { object, errors: [conditions.error], checks: [] }
  if (!conditions.matches) return { object, errors: [], checks: [] }
  let current = object
  const errors: string[] = []
  const checks: Check[] = []
  for (const { mutation, expression } of mutations) {
    const fromMs = parts.nowMs()
    const budget: Budget = { left: requestCostMax }
    const bindings = withPolicyVariables(base, { ...parts.bindings, object: fromJson(current, celTypes.dyn) }, budget)
    const outcome = runExpression(expression, bindings, budget)
    let error = checkErrorOf(expression, outcome)
    if (outcome.error !== undefined) errors.push(outcome.error)
    else {
      try {
        const next = mutation.patchType === 'JSONPatch' ? patched(current, outcome.value) : merged(current, outcome.value, parts)
        if (next !== current) finishMutated(parts, next, mutation)
        current = next
      } catch (failure) {
        if (failure instanceof StatusError) throw failure
        errors.push((failure as Error).message)
        error = 'invalid_error'
      }
    }
    checks.push({ error, tookMs: parts.nowMs() - fromMs })
  }
  return { object: current, errors, checks }
}

/** A patch may have made what is no such object: then nothing of the request is done. */
function finishMutated(
  { schemas, resource }: { readonly schemas: SchemaSet; readonly resource: Resource },
  next: KubeObject,
  { patchType }: Mutation,
): void {
  if (patchType !== 'JSONPatch') return finishPatched(schemas, resource, next)
  try {
    finishPatched(schemas, resource, next, { isStrict: true })
  } catch (error) {
    throw statusErrors.internal(error)
  }
}

function patched(object: KubeObject, value: Value): KubeObject {
  const operations = toJson(value) as readonly { readonly op?: string }[]
  try {
    return applyJsonPatch(object, operations)
  } catch (error) {
    const why = ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message
    // What a patch asks first is not so: it is not meant for this object.
    if (/^testing value .* failed: test failed$/.test(why)) return object
    throw new Error(`JSON Patch: ${why}`, { cause: error })
  }
}

/** Merged by the schema as server-side apply merges, without owners. */
function merged(
  object: KubeObject,
  value: Value,
  { resource, schemas }: { readonly resource: Resource; readonly schemas: SchemaSet },
): KubeObject {
  checkTypeNames(value, 'Object')
  const config = toJson(value)
  if (typeof config !== 'object' || config === null) throw new Error('must evaluate to Object')
  const { apiVersion = '', kind = '' } = object
  const named = { ...(config as object), apiVersion, kind }
  const node = schemas.lookup(schemaOf(resource, object))
  const fault = appliedFault(node, named)
  if (fault !== undefined) throw new Error(`error applying patch: failed to convert patch object to typed object: ${fault}`)
  const atomic = atomicPaths(node, named, '')
  if (atomic.length > 0)
    throw new Error(`error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(', ')}`)
  return deepClone(mergeValues(node, object, named)) as KubeObject
}

/** `Object.spec{…}` belongs into the field `spec` of `Object{…}`, in lists and maps too. */
function checkTypeNames(value: Value, expected: string): void {
  if (typeof value !== 'object' || value === null) return
  if (value.kind === 'list') {
    for (let i = 0; i < value.size; i++) checkTypeNames(value.at(i), expected)
  } else if (value.kind === 'map') {
    for (const key of value.keys()) checkTypeNames(value.get(key)!, expected)
  } else if (value.kind === 'struct') {
    if (value.type.name !== expected)
      throw new Error(
        `type mismatch: unexpected type name ${JSON.stringify(value.type.name)}, expected ${JSON.stringify(expected)}, which matches field name path from root Object type`,
      )
    for (const field of value.fields()) checkTypeNames(value.get(field)!, `${expected}.${field}`)
  }
}

/** What would be replaced whole: who writes a part of it does not mean that. */
function atomicPaths(node: SchemaNode | undefined, value: unknown, path: string): string[] {
  if (!node || typeof value !== 'object' || value === null) return []
  const own = node.isAtomic ? [path] : []
  if (Array.isArray(value)) return [...own, ...value.flatMap((item, i) => atomicPaths(node.element, item, `${path}[${i}]`))]
  if (node.shape !== 'object') return own
  return [...own, ...Object.entries(value).flatMap(([field, item]) => atomicPaths(node.fields.get(field), item, `${path}.${field}`))]
}
