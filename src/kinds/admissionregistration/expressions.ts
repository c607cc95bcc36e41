/** Expressions of match conditions and policies: what their names mean, and how they are compiled and run. */
import { type CelProgram, compileCel, describeIssues } from '../../machinery/cel/cel.ts'
import { type CelType, celTypes, type Field, type ObjectType } from '../../machinery/cel/cel-type.ts'
import type { Environment } from '../../machinery/cel/environment.ts'
import { kubernetesEnvironment } from '../../machinery/cel/kubernetes-environment.ts'
import type { Value } from '../../machinery/cel/value.ts'

/** What all expressions about one request may cost together (upstream's RuntimeCELCostBudget). */
export const requestCostMax = 10_000_000
/** What the match conditions of one webhook may cost together (upstream's RuntimeCELCostBudgetMatchConditions). */
export const matchCostMax = 2_500_000

export type Expression =
  | { readonly text: string; readonly program: CelProgram; readonly error?: undefined }
  | { readonly text: string; readonly program?: undefined; readonly error: string }

export type ExpressionScope = {
  readonly hasParams?: boolean
  readonly hasAuthorizer?: boolean
  /** Names and types of a policy's variables so far. */
  readonly variables?: Readonly<Record<string, CelType>>
  /** Types of `object` and `oldObject`; absent: whatever they are. */
  readonly objectType?: CelType
  readonly paramsType?: CelType
  /** `Object{…}` and `JSONPatch{…}` may be written. */
  readonly makesMutations?: boolean
}

const opaque = (name: string) => celTypes.opaque(`kubernetes.authorization.${name}`)
const { string, bool, dyn } = celTypes
const group = (name: string, last: string) => celTypes.object(name, { group: string, version: string, [last]: string })

const requestType = celTypes.object('kubernetes.AdmissionRequest', {
  kind: group('kubernetes.GroupVersionKind', 'kind'),
  resource: group('kubernetes.GroupVersionResource', 'resource'),
  subResource: string,
  requestKind: group('kubernetes.GroupVersionKind', 'kind'),
  requestResource: group('kubernetes.GroupVersionResource', 'resource'),
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo: celTypes.object('kubernetes.UserInfo', {
    username: string,
    uid: string,
    groups: celTypes.list(string),
    extra: celTypes.map(string, celTypes.list(string)),
  }),
  dryRun: bool,
  options: dyn,
})

const namespaceType = celTypes.object('kubernetes.Namespace', {
  metadata: celTypes.object('kubernetes.NamespaceMetadata', {
    name: string,
    generateName: string,
    namespace: string,
    uid: string,
    resourceVersion: string,
    generation: celTypes.int,
    creationTimestamp: celTypes.timestamp,
    deletionTimestamp: celTypes.timestamp,
    deletionGracePeriodSeconds: celTypes.int,
    labels: celTypes.map(string, string),
    annotations: celTypes.map(string, string),
    finalizers: celTypes.list(string),
  }),
  spec: celTypes.object('kubernetes.NamespaceSpec', { finalizers: celTypes.list(string) }),
  status: celTypes.object('kubernetes.NamespaceStatus', { phase: string }),
})

export const expressionTypes = { request: requestType, namespace: namespaceType }

export const variablesType = (variables: Readonly<Record<string, CelType>>): ObjectType =>
  celTypes.object('kubernetes.variables', variables)

export function expressionEnvironment(scope: ExpressionScope): Environment {
  const { hasParams, hasAuthorizer, variables, objectType = dyn, paramsType = dyn, makesMutations } = scope
  return kubernetesEnvironment({
    variables: {
      object: objectType,
      oldObject: objectType,
      request: requestType,
      namespaceObject: namespaceType,
      ...(variables ? { variables: variablesType(variables) } : {}),
      ...(hasParams ? { params: paramsType } : {}),
      ...(hasAuthorizer ? { authorizer: opaque('Authorizer'), 'authorizer.requestResource': opaque('ResourceCheck') } : {}),
    },
    ...(makesMutations ? { structs: mutationStruct, extras: ['jsonPatch'] } : {}),
  })
}

/** Objects of an apply configuration have the fields that the object's schema has, which is looked at when they are merged. */
class AnyFields extends Map<string, Field> {
  override get(): Field {
    return { type: dyn }
  }

  override has(): boolean {
    return true
  }
}

const jsonPatchType = celTypes.object('JSONPatch', { op: string, path: string, from: string, value: dyn })

function mutationStruct(name: string): ObjectType | undefined {
  if (name === 'JSONPatch') return jsonPatchType
  return /^Object(\.[A-Za-z_]\w*)*$/.test(name) ? { kind: 'object', name, fields: new AnyFields() } : undefined
}

/** Compiles what a stored object says. What is wrong with it comes with every evaluation. */
export function compileExpression(environment: Environment, text: string, results?: readonly CelType[]): Expression {
  const compiled = compileCel(environment, text, results ? { results, isExact: true } : {})
  if (compiled.program) return { text, program: compiled.program }
  const described = describeIssues(text, compiled.issues)
  // A result of the wrong type belongs to no place in the text.
  return { text, error: compiled.issues[0]?.at === -1 ? described : `compilation failed: ${described}` }
}

/** The type of an expression's result; `dyn` where it does not compile. */
export const resultType = ({ program }: Expression): CelType => program?.type ?? dyn

/** What is left of a request's costs; one for all expressions of one policy about one request. */
export type Budget = { left: number }

export type Outcome =
  | { readonly value: Value; readonly error?: undefined; readonly isOutOfBudget?: undefined }
  /** `cause`: what went wrong, without the expression. `isOutOfBudget`: nothing more may be run within this budget. */
  | { readonly value?: undefined; readonly error: string; readonly cause: string; readonly isOutOfBudget: boolean }

export function runExpression(
  { text, program, error }: Expression,
  bindings: Readonly<Record<string, Value | undefined>>,
  budget: Budget,
): Outcome {
  if (!program) return { error: `compilation error: ${error}`, cause: error, isOutOfBudget: false }
  const outcome = program.evaluate(bindings, { costMax: Math.max(0, Math.min(budget.left, perExpressionMax)) })
  budget.left -= outcome.cost
  if (!outcome.error) return { value: outcome.value }
  const cause = outcome.error.message
  if (budget.left > 0 || !outcome.error.isCostExceeded)
    return { error: `expression '${text}' resulted in error: ${cause}`, cause, isOutOfBudget: false }
  return {
    error: 'validation failed due to running out of cost budget, no further validation rules will be run',
    cause,
    isOutOfBudget: true,
  }
}

const perExpressionMax = 1_000_000
