import { estimatedCost } from '../cel/cost-estimate.ts'
import type { CelProgram } from '../cel/cel.ts'
import type { CelType } from '../cel/cel-type.ts'
import { type FieldError, fieldErrors } from '../field-error.ts'
import { hasRules, type JsonSchema } from './json-schema.ts'
import { type CompiledRule, compileRules, compileRuleValidator, hasRuleType, type Rule, ruleType } from './rules.ts'
import { findPlace } from './rule-field-path.ts'

/** What one expression, and all of one schema, may cost at most by upstream's estimate. */
const expressionCostMax = 10_000_000
const schemaCostMax = 100_000_000
const requestBytesMax = 3 * 1024 * 1024
const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

/**
 * What is wrong with the rules of a schema that is otherwise sound, in upstream's words: texts that are no rules of their types, rules that
 * compare where nothing tells what was there before, rules that may cost too much, and defaults that break them. `isKnown`: the schema has
 * been accepted before, so a single rule may cost what it costs.
 */
export function validateRules(schema: JsonSchema, path: string, { isKnown = false }: { readonly isKnown?: boolean } = {}): FieldError[] {
  if (!hasRules(schema)) return []
  const total: Total = { cost: 0, expensive: [], isKnown }
  const errors: FieldError[] = []
  judge(schema, { path, cardinality: 1, uncorrelatable: undefined, isRoot: true }, total, errors)
  if (errors.length === 0) judgeDefaults(schema, path, true, errors)
  if (total.cost <= schemaCostMax) return errors
  const most = total.expensive.sort((a, b) => b.cost - a.cost).slice(0, 4)
  for (const { path: at } of most)
    errors.push(fieldErrors.forbidden(at, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'))
  const name = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
  errors.push(fieldErrors.forbidden(path, costMessage(name, total.cost, schemaCostMax)))
  return errors
}

const untyped =
  'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations'

type Total = { cost: number; readonly expensive: { readonly path: string; readonly cost: number }[]; readonly isKnown: boolean }
type Place = {
  readonly path: string
  /** How many values of the schema one object has at most; undefined: no bound. */
  readonly cardinality: number | undefined
  /** The schema, above or here, inside which nobody knows what a value was before. */
  readonly uncorrelatable: string | undefined
  readonly isRoot: boolean
}

function judge(schema: JsonSchema, place: Place, total: Total, errors: FieldError[]): void {
  const { path, cardinality, uncorrelatable } = place
  const before = errors.length
  const rules = schema['x-kubernetes-validations'] ?? []
  for (const [i, rule] of rules.entries()) judgeTexts(schema, rule, `${path}.x-kubernetes-validations[${i}]`, errors)
  if (rules.length > 0 && errors.length === before)
    if (hasRuleType(schema, place.isRoot)) judgeRules(schema, place, total, errors)
    else errors.push(fieldErrors.internal(`${path}.x-kubernetes-validations`, untyped))
  const child = (more: Partial<Place>): Place => ({ ...place, isRoot: false, ...more })
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    if (hasRules(property)) judge(property, child({ path: `${path}.properties[${name}]` }), total, errors)
  const many = (count: number | undefined) => (cardinality === undefined || count === undefined ? undefined : cardinality * count)
  if (schema.items && hasRules(schema.items)) {
    const isCorrelatable = schema['x-kubernetes-list-type'] === 'map'
    const at = `${path}.items`
    const inside = uncorrelatable ?? (isCorrelatable ? undefined : path)
    judge(schema.items, child({ path: at, cardinality: many(schema.maxItems), uncorrelatable: inside }), total, errors)
  }
  const { additionalProperties } = schema
  if (typeof additionalProperties === 'object' && hasRules(additionalProperties))
    judge(additionalProperties, child({ path: `${path}.additionalProperties`, cardinality: many(schema.maxProperties) }), total, errors)
}

function judgeTexts(schema: JsonSchema, rule: Rule, path: string, errors: FieldError[]): void {
  const { message = '', messageExpression = '', fieldPath = '', reason } = rule
  const text = (rule.rule ?? '').trim()
  const hasLines = (value: string) => /[\n\r]/.test(value)
  if (text === '') errors.push(fieldErrors.required(`${path}.rule`, 'rule is not specified'))
  else if (message !== '' && message.trim() === '')
    errors.push(fieldErrors.invalid(`${path}.message`, message, 'must be non-empty if specified'))
  else if (hasLines(message.trim())) errors.push(fieldErrors.invalid(`${path}.message`, message, 'must not contain line breaks'))
  else if (hasLines(text) && message.trim() === '')
    errors.push(fieldErrors.required(`${path}.message`, 'message must be specified if rule contains line breaks'))
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(fieldErrors.required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && !reasons.includes(reason)) errors.push(fieldErrors.notSupported(`${path}.reason`, reason, reasons))
  if (fieldPath === '') return
  const invalid = (why: string) => errors.push(fieldErrors.invalid(`${path}.fieldPath`, fieldPath, why))
  if (fieldPath.trim() === '') invalid('must be non-empty if specified')
  if (hasLines(fieldPath)) invalid('must not contain line breaks')
  if ('problem' in findPlace(schema, fieldPath, { allowsBrackets: true })) invalid('must be a valid path')
}

function judgeRules(schema: JsonSchema, place: Place, total: Total, errors: FieldError[]): void {
  const type = ruleType(schema, place.isRoot)
  for (const [i, compiled] of compileRules(schema, type).entries()) {
    const path = `${place.path}.x-kubernetes-validations[${i}]`
    const { rule, program, problem, message, messageProblem } = compiled
    if (program) observe({ program, path: `${path}.rule`, name: 'estimated rule cost', count: countOf(place, type) }, total, errors)
    if (problem !== undefined) errors.push(ruleError(`${path}.rule`, rule, problem))
    if (messageProblem !== undefined) errors.push(ruleError(`${path}.messageExpression`, rule, messageProblem))
    if (message)
      observe({ program: message, path: `${path}.messageExpression`, name: 'estimated messageExpression cost', count: 1 }, total, errors)
    judgeOldSelf(compiled, place, path, errors)
  }
}

/** Shows the whole rule as upstream does: by the names of its Go fields, with the signs of HTML escaped. */
function ruleError(field: string, { rule, message, messageExpression, reason, fieldPath, optionalOldSelf }: Rule, why: string): FieldError {
  const value = {
    Rule: rule ?? '',
    Message: message ?? '',
    MessageExpression: messageExpression ?? '',
    Reason: reason ?? null,
    FieldPath: fieldPath ?? '',
    OptionalOldSelf: optionalOldSelf ?? null,
  }
  const shown = JSON.stringify(value).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${shown}: ${why}` }
}

function judgeOldSelf({ rule, usesOldSelf }: CompiledRule, { uncorrelatable }: Place, path: string, errors: FieldError[]): void {
  if (usesOldSelf && uncorrelatable !== undefined) {
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`
    errors.push(fieldErrors.invalid(`${path}.rule`, rule.rule, why))
  } else if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
    const why = 'may not be set if oldSelf is not used in rule'
    errors.push(fieldErrors.invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, why))
  }
}

/** Without a bound of its own, as many as fit into the longest request. */
function countOf({ cardinality }: Place, { minSerializedSize = 0 }: CelType): number {
  return cardinality ?? Math.floor(requestBytesMax / (minSerializedSize + 1))
}

type Observed = { readonly program: CelProgram; readonly path: string; readonly name: string; readonly count: number }

function observe({ program, path, name, count }: Observed, total: Total, errors: FieldError[]): void {
  const cost = estimatedCost(program) * count
  if (cost > expressionCostMax && !total.isKnown) errors.push(fieldErrors.forbidden(path, costMessage(name, cost, expressionCostMax)))
  total.cost += cost
  if (cost >= schemaCostMax / 100) total.expensive.push({ path, cost })
}

/** A default must pass the rules of its schema, both where it stands already and where it appears. */
function judgeDefaults(schema: JsonSchema, path: string, isRoot: boolean, errors: FieldError[]): void {
  if (!hasRules(schema)) return
  if (schema.default !== undefined) {
    const at = `${path}.default`
    const validate = compileRuleValidator(schema, isRoot)
    const problems = validate?.(schema.default, schema.default, at).errors ?? []
    errors.push(...(problems.length > 0 ? problems : (validate?.(schema.default, undefined, at).errors ?? [])))
  }
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    judgeDefaults(property, `${path}.properties[${name}]`, false, errors)
  if (schema.items) judgeDefaults(schema.items, `${path}.items`, false, errors)
}

function costMessage(name: string, cost: number, limit: number): string {
  const factor = cost / limit
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  const advice = 'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared'
  return `${name} exceeds budget by factor of ${shown} (${advice})`
}
