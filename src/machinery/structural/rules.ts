import { compileCel, type CelProgram, describeIssues, perCallCostMax } from '../cel/cel.ts'
import { type CelType, celTypes, isDynamic } from '../cel/cel-type.ts'
import type { Environment } from '../cel/environment.ts'
import type { Expr } from '../cel/ast.ts'
import { EvaluationError } from '../cel/evaluation-error.ts'
import { fromJson } from '../cel/json-value.ts'
import { kubernetesEnvironment } from '../cel/kubernetes-environment.ts'
import { schemaType } from '../cel/schema-type.ts'
import { CelOptional, type Value } from '../cel/value.ts'
import { type FieldError, fieldErrors } from '../field-error.ts'
import { fieldPath, hasRules, isObject, type JsonSchema } from './json-schema.ts'
import { findPlace } from './rule-field-path.ts'
import { isUnchanged, itemsByKeys, keysOf } from './unchanged.ts'

/**
 * Validation rules of custom resources, `x-kubernetes-validations`
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules).
 *
 * Invariants:
 * 1. A rule sees the value that its schema describes as `self`, typed by the schema, and as `oldSelf` the value that an update replaces,
 *    where it is known which: not inside lists without keys.
 * 2. All rules of one object share a budget of cost; a rule alone has a limit too. Nothing runs behind an exhausted budget.
 * 3. A rule about `self` alone does not judge again what an update left as it was.
 */

export type Rule = NonNullable<JsonSchema['x-kubernetes-validations']>[number]

export type CompiledRule = {
  readonly rule: Rule
  readonly usesOldSelf: boolean
  readonly program: CelProgram | undefined
  /** Why there is no program. */
  readonly problem: string | undefined
  readonly message: CelProgram | undefined
  readonly messageProblem: string | undefined
  /** Where its error is told, from the value on; empty: at the value. */
  readonly fieldPath: string
}

/** What all rules of one object may cost together (upstream's RuntimeCELCostBudget). */
const objectCostMax = 10_000_000

/** The rules of one schema, without those below it. */
export function compileRules(schema: JsonSchema, type: CelType): readonly CompiledRule[] {
  return (schema['x-kubernetes-validations'] ?? []).filter(({ rule }) => rule.trim() !== '').map((rule) => compileRule(rule, type, schema))
}

function compileRule(rule: Rule, type: CelType, schema: JsonSchema): CompiledRule {
  const found = rule.fieldPath ? findPlace(schema, rule.fieldPath, { allowsBrackets: true }) : undefined
  const environment = ruleEnvironment(type, rule.optionalOldSelf === true)
  const { program, issues } = compileCel(environment, rule.rule)
  const isBool = !program || program.type.kind === 'bool' || isDynamic(program.type)
  const problem = issues
    ? `compilation failed: ${describeIssues(rule.rule, issues)}`
    : isBool
      ? undefined
      : 'cel expression must evaluate to a bool'
  const message = rule.messageExpression?.trim() ? compileMessage(environment, rule.messageExpression) : {}
  return {
    rule,
    usesOldSelf: program !== undefined && usesName(program.expr, 'oldSelf'),
    program: problem === undefined ? program : undefined,
    problem,
    message: message.program,
    messageProblem: message.problem,
    fieldPath: found && 'place' in found ? found.place.path : '',
  }
}

function compileMessage(environment: Environment, text: string): { readonly program?: CelProgram; readonly problem?: string } {
  const { program, issues } = compileCel(environment, text)
  if (issues) return { problem: `messageExpression compilation failed: ${describeIssues(text, issues)}` }
  if (program.type.kind !== 'string' && !isDynamic(program.type)) return { problem: 'messageExpression must evaluate to a string' }
  return { program }
}

const environments = new WeakMap<CelType, Map<boolean, Environment>>()

function ruleEnvironment(type: CelType, isOptional: boolean): Environment {
  const known = environments.get(type) ?? new Map<boolean, Environment>()
  environments.set(type, known)
  const environment =
    known.get(isOptional) ?? kubernetesEnvironment({ variables: { self: type, oldSelf: isOptional ? celTypes.optional(type) : type } })
  known.set(isOptional, environment)
  return environment
}

/** Whether an expression reads a variable. A local variable of the same name counts too, as it does upstream. */
function usesName(expr: Expr, name: string): boolean {
  const any = (...parts: readonly (Expr | undefined)[]) => parts.some((part) => part !== undefined && usesName(part, name))
  switch (expr.kind) {
    case 'identifier':
      return expr.name === name
    case 'select':
      return any(expr.operand)
    case 'call':
      return any(expr.target, ...expr.args)
    case 'list':
      return any(...expr.elements)
    case 'map':
      return any(...expr.entries.flatMap(({ key, value }) => [key, value]))
    case 'struct':
      return any(...expr.fields.map(({ value }) => value))
    case 'comprehension':
      return any(expr.range, expr.init, expr.condition, expr.step, expr.result)
    default:
      return false
  }
}

/** The type that rules at a schema see; what has none is dynamic. */
export const ruleType = (schema: JsonSchema, isRoot: boolean): CelType => typeAt(schema, isRoot) ?? celTypes.dyn

/** Values without a declared type, and lists and maps of such, can have no rules. */
export const hasRuleType = (schema: JsonSchema, isRoot: boolean): boolean => typeAt(schema, isRoot) !== undefined

const typeAt = (schema: JsonSchema, isRoot: boolean) =>
  schemaType(schema, { isResource: isRoot || schema['x-kubernetes-embedded-resource'] === true, name: 'object' })

export type RuleResult = {
  readonly errors: readonly FieldError[]
  /** What is wrong with values that the update left as they were: the client is warned. */
  readonly ratcheted: readonly FieldError[]
}

/** `path` leads to the value; default: it is the object itself. */
export type RuleValidator = (value: unknown, old?: unknown, path?: string) => RuleResult

type Node = {
  readonly schema: JsonSchema
  readonly type: CelType
  readonly rules: readonly CompiledRule[]
  readonly alternatives: readonly Node[]
  readonly items: Node | undefined
  readonly fields: ReadonlyMap<string, Node>
  readonly others: Node | undefined
}

/** The rules of a schema and all below it, compiled; undefined where there are none. */
export function compileRuleValidator(schema: JsonSchema, isRoot = true): RuleValidator | undefined {
  const root = hasRules(schema) ? nodeOf(schema, schema, isRoot) : undefined
  if (!root) return undefined
  return (value, old, path = '') => {
    const run: Run = { errors: [], ratcheted: [], budget: objectCostMax, isEnded: false }
    validate(run, root, { value, old, path, schema, above: undefined })
    return run
  }
}

/** `rules`: the schema whose rules they are, an alternative of `schema` or the same. */
function nodeOf(rules: JsonSchema, schema: JsonSchema, isRoot: boolean): Node | undefined {
  if (!hasRules(rules) && !rules.allOf?.some(hasRules)) return undefined
  const type = ruleType(schema, isRoot)
  const fields = new Map<string, Node>()
  for (const [name, child] of Object.entries(rules.properties ?? {})) {
    const declared = schema.properties?.[name]
    const node = declared && nodeOf(child, declared, false)
    if (node) fields.set(name, node)
  }
  const below = (a: JsonSchema | boolean | undefined, b: JsonSchema | boolean | undefined) =>
    typeof a === 'object' && typeof b === 'object' ? nodeOf(a, b, false) : undefined
  return {
    schema,
    type,
    rules: compileRules(rules, type),
    alternatives: (rules.allOf ?? []).flatMap((part) => nodeOf(part, schema, isRoot) ?? []),
    items: below(rules.items, schema.items),
    fields,
    others: below(rules.additionalProperties, schema.additionalProperties),
  }
}

type Run = { readonly errors: FieldError[]; readonly ratcheted: FieldError[]; budget: number; isEnded: boolean }
type Place = {
  readonly value: unknown
  /** Undefined where nobody knows it. */
  readonly old: unknown
  readonly path: string
  readonly schema: JsonSchema
  /** The nearest value above whose old one is known. */
  readonly above: Place | undefined
}

/** Whether a value is as it was, or where nobody knows, the nearest above it. */
function isKept({ value, old, schema, above }: Place): boolean {
  return old === undefined ? above !== undefined && isUnchanged(above.schema, above.value, above.old) : isUnchanged(schema, value, old)
}

function validate(run: Run, node: Node, place: Place): void {
  const { value, old, path } = place
  if (value === null || value === undefined || run.isEnded) return
  if (node.rules.length > 0) evaluateRules(run, node, place)
  for (const part of node.alternatives) validate(run, part, place)
  if (Array.isArray(value)) {
    if (node.items) validateItems(run, node, node.items, { ...place, value })
  } else if (isObject(value)) {
    const before = isObject(old) ? old : undefined
    for (const field of Object.keys(value)) {
      const child = node.fields.get(field) ?? (node.schema.properties?.[field] ? undefined : node.others)
      if (!child) continue
      const at = node.fields.has(field) ? fieldPath(path, field) : `${path}[${field}]`
      const was = before && Object.hasOwn(before, field) ? before[field] : undefined
      validate(run, child, { value: value[field], old: was, path: at, schema: child.schema, above: aboveOf(place) })
    }
  }
}

const aboveOf = (place: Place) => (place.old === undefined ? place.above : place)

function validateItems(run: Run, node: Node, items: Node, place: Place & { readonly value: readonly unknown[] }): void {
  const before = Array.isArray(place.old) ? itemsByKeys(node.schema, place.old) : undefined
  for (const [i, item] of place.value.entries()) {
    if (run.isEnded) return
    const old = before?.get(keysOf(node.schema, item))
    validate(run, items, { value: item, old, path: `${place.path}[${i}]`, schema: items.schema, above: aboveOf(place) })
  }
}

const at = (path: string) => (path === '' ? '<nil>' : path)

function evaluateRules(run: Run, node: Node, place: Place): void {
  const { value, old, path } = place
  const invalid = (why: string) => fieldErrors.invalid(at(path), node.schema.type ?? '', why)
  const self = adapted(value, node.type)
  const oldSelf = old === undefined || old === null ? undefined : adapted(old, node.type)
  // A value that an update kept although it is not of its type: its schema has passed over it already.
  if (self instanceof EvaluationError || oldSelf instanceof EvaluationError) {
    if (!isKept(place))
      run.errors.push(invalid(`${(self instanceof EvaluationError ? self : (oldSelf as EvaluationError)).message} evaluating rule`))
    return
  }
  for (const compiled of node.rules) {
    const { rule, program } = compiled
    if (run.isEnded) return
    if (!program) {
      run.errors.push(invalid(`rule compile error: ${compiled.problem}`))
      continue
    }
    if (compiled.usesOldSelf && oldSelf === undefined && rule.optionalOldSelf !== true) continue
    const bindings = { self, oldSelf: rule.optionalOldSelf === true ? new CelOptional(oldSelf) : oldSelf }
    const { value: result, error, cost } = program.evaluate(bindings, { costMax: perCallCostMax })
    run.budget -= cost
    if (run.budget < 0) {
      run.errors.push(invalid('validation failed due to running out of cost budget, no further validation rules will be run'))
      run.isEnded = true
      return
    }
    if (result === true) continue
    if (error) {
      run.errors.push(invalid(evaluationProblem(error.message, rule)))
      run.isEnded = error.isCostExceeded
    } else {
      const errors = !compiled.usesOldSelf && isKept(place) ? run.ratcheted : run.errors
      errors.push(failure(compiled, place, node, messageOf(run, compiled, bindings)))
    }
  }
}

function adapted(json: unknown, type: CelType): Value | EvaluationError {
  try {
    return fromJson(json, type)
  } catch (error) {
    if (error instanceof EvaluationError) return error
    throw error
  }
}

function evaluationProblem(message: string, rule: Rule): string {
  const shown = rule.message?.trim() || rule.rule.trim()
  if (message.startsWith('no such overload'))
    return `'${message}': call arguments did not match a supported operator, function or macro signature for rule: ${shown}`
  if (message.startsWith('operation cancelled: actual cost limit exceeded'))
    return `'${message}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown}`
  return `${message} evaluating rule: ${shown}`
}

const messageLengthMax = 5 * 1024

/** The message that an expression makes, unless it fails, is empty, too long or of several lines; then the rule's own. */
function messageOf(run: Run, { rule, message }: CompiledRule, bindings: Parameters<CelProgram['evaluate']>[0]): string {
  const own = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`
  if (!message) return own
  const { value, cost } = message.evaluate(bindings, { costMax: perCallCostMax })
  run.budget -= cost
  if (typeof value !== 'string') return own
  const text = value.trim()
  return text === '' || Buffer.byteLength(text) > messageLengthMax || /[\n\r]/.test(text) ? own : text
}

function failure({ rule, fieldPath: own }: CompiledRule, { value, path }: Place, node: Node, detail: string): FieldError {
  const field = at(own === '' ? path : fieldPath(path, own))
  const isWhole = node.schema.type === 'object' || node.schema.type === 'array'
  const shown = isWhole ? '' : `: ${JSON.stringify(value)}`
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return fieldErrors.forbidden(field, detail)
    case 'FieldValueRequired':
      return fieldErrors.required(field, detail)
    case 'FieldValueDuplicate':
      return { field, reason: rule.reason, message: `Duplicate value${shown}` }
    default:
      return { field, reason: 'FieldValueInvalid', message: `Invalid value${shown}: ${detail}` }
  }
}
