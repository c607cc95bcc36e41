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
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
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

export type Mutated = { readonly object: KubeObject; readonly errors: readonly string[] }

/**
 * The object after the policy's mutations, each of which sees what those before it did; the object itself where the policy is
 * not for it. A mutation that fails changes nothing, and those after it are tried all the same.
 */
export function applyMutations(
  policy: MutatingAdmissionPolicy,
  object: KubeObject,
  parts: { readonly bindings: Bindings; readonly resource: Resource; readonly schemas: SchemaSet },
): Mutated {
  const { base, mutations } = compile(policy)
  const conditions = runConditions(base.conditions, parts.bindings, policy.spec?.failurePolicy)
  if (conditions.error !== undefined) return { object, errors: [conditions.error] }
  if (!conditions.matches) return { object, errors: [] }
  let current = object
  const errors: string[] = []
  for (const { mutation, expression } of mutations) {
    const budget: Budget = { left: requestCostMax }
    const bindings = withPolicyVariables(base, { ...parts.bindings, object: fromJson(current, celTypes.dyn) }, budget)
    const { value, error } = runExpression(expression, bindings, budget)
    if (error !== undefined) errors.push(error)
    else {
      try {
        const next = mutation.patchType === 'JSONPatch' ? patched(current, value) : merged(current, value, parts)
        if (next !== current) finishPatched(parts.schemas, parts.resource, next)
        current = next
      } catch (failure) {
        errors.push((failure as Error).message)
      }
    }
  }
  return { object: current, errors }
}

function patched(object: KubeObject, value: Value): KubeObject {
  const operations = toJson(value)
  try {
    return applyJsonPatch(object, operations)
  } catch (error) {
    throw new Error(`JSON Patch: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`, { cause: error })
  }
}

/** Merged by the schema as server-side apply merges, without owners. */
function merged(
  object: KubeObject,
  value: Value,
  { resource, schemas }: { readonly resource: Resource; readonly schemas: SchemaSet },
): KubeObject {
  const config = toJson(value)
  if (typeof config !== 'object' || config === null) throw new Error('must evaluate to Object')
  const { apiVersion = '', kind = '' } = object
  const named = { ...(config as object), apiVersion, kind }
  const node = schemas.lookup(schemaOf(resource, object))
  const fault = appliedFault(node, named)
  if (fault !== undefined) throw new Error(`failed to convert patch object to typed object: ${fault}`)
  return deepClone(mergeValues(node, object, named)) as KubeObject
}
