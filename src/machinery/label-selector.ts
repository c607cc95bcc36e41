import type { LabelSelector, LabelSelectorRequirement } from '../kinds/generated/types/meta-v1.ts'
import { type FieldError, fieldErrors } from './field-error.ts'
import { validateLabels } from './labels.ts'
import { labelValue, qualifiedName } from './names.ts'

/**
 * Label selectors: the text of `?labelSelector=`, the objects in specs, and one compiled form for both
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors).
 *
 * Invariants:
 * 1. Requirements are sorted by key, so equal selectors format equally.
 * 2. `formatSelector(parseLabelSelector(t))` parses to the same requirements.
 */

export type SelectorOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt'

export type Requirement = { readonly key: string; readonly operator: SelectorOperator; readonly values: readonly string[] }

/** All requirements must hold. `nothing`: matches no object at all, whatever its labels. */
export type Selector = { readonly requirements: readonly Requirement[]; readonly nothing: boolean }

export type Labels = Readonly<Record<string, string>> | undefined

/** Text that is no selector; the message is upstream's, ready for a 400 answer. */
export class SelectorError extends Error {
  override name = 'SelectorError'
}

export const everything: Selector = { requirements: [], nothing: false }
export const nothing: Selector = { requirements: [], nothing: true }

/** Parses `a=b,c in (d,e),!f,g>1`. Throws SelectorError. Empty text selects everything. */
export function parseLabelSelector(text: string): Selector {
  return ordered(new SelectorParser(text).parse())
}

/** A selector from a spec: undefined selects nothing, an empty one everything. Throws SelectorError for an invalid operator. */
export function selectorFrom(selector: LabelSelector | undefined | null): Selector {
  if (!selector) return nothing
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }))
  for (const expression of selector.matchExpressions ?? []) requirements.push(requirementFrom(expression))
  return requirements.length === 0 ? everything : ordered(requirements)
}

/** A selector from a plain map (Service, ReplicationController): undefined and empty select everything, as upstream's helper does. */
export function selectorFromMap(map: Labels): Selector {
  return ordered(Object.entries(map ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })))
}

export function matches(selector: Selector, labels: Labels): boolean {
  if (selector.nothing) return false
  for (const requirement of selector.requirements) if (!requirementHolds(requirement, labels)) return false
  return true
}

/** True when every set of labels matches. */
export function selectsEverything(selector: Selector): boolean {
  return !selector.nothing && selector.requirements.length === 0
}

/** Canonical text, as scale subresources and `kubectl describe` show it. A selector of nothing is empty text. */
export function formatSelector(selector: Selector): string {
  return selector.requirements.map(formatRequirement).join(',')
}

/** What is wrong with a selector in a spec, in upstream's words. */
export function validateLabelSelector(selector: LabelSelector | undefined | null, path: string): FieldError[] {
  if (!selector) return []
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`)
  for (const [i, e] of (selector.matchExpressions ?? []).entries()) errors.push(...validateExpression(e, `${path}.matchExpressions[${i}]`))
  return errors
}

function validateExpression({ key, operator, values = [] }: LabelSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(fieldErrors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      errors.push(fieldErrors.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
  } else errors.push(fieldErrors.invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator'))
  errors.push(...qualifiedName(key ?? '').map((m) => fieldErrors.invalid(`${path}.key`, key ?? '', m)))
  for (const [i, value] of values.entries())
    errors.push(...labelValue(value).map((m) => fieldErrors.invalid(`${path}.values[${i}]`, value, m)))
  return errors
}

const operators: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

function requirementFrom({ key, operator, values = [] }: LabelSelectorRequirement): Requirement {
  const known = Object.hasOwn(operators, operator) ? operators[operator] : undefined
  if (!known) throw new SelectorError(`"${operator}" is not a valid label selector operator`)
  return { key, operator: known, values: [...new Set(values)].sort() }
}

function ordered(requirements: Requirement[]): Selector {
  requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return { requirements, nothing: false }
}

function requirementHolds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value)
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case 'gt':
      return value !== undefined && isInt64(value) && BigInt(value) > BigInt(values[0]!)
    case 'lt':
      return value !== undefined && isInt64(value) && BigInt(value) < BigInt(values[0]!)
  }
}

const signs: Readonly<Record<SelectorOperator, string>> = {
  '=': '=',
  '==': '==',
  '!=': '!=',
  in: ' in ',
  notin: ' notin ',
  gt: '>',
  lt: '<',
  exists: '',
  '!': '',
}

function formatRequirement({ key, operator, values }: Requirement): string {
  const list = values.length > 1 ? [...values].sort().join(',') : (values[0] ?? '')
  const shown = operator === 'in' || operator === 'notin' ? `(${list})` : list
  return `${operator === '!' ? '!' : ''}${key}${signs[operator]}${shown}`
}

function isInt64(text: string): boolean {
  return /^[+-]?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text.replace('+', ''))) === BigInt(text.replace('+', ''))
}

type Token = { readonly type: 'end' | 'identifier' | 'error' | 'symbol'; readonly text: string }

const symbols = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '('])
const binaryOperators: Readonly<Record<string, SelectorOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
}

const identifierPattern = /[^=!(),>< \t\r\n]+/y

/** Splits into identifiers and symbols; the longest symbol wins. `in` and `notin` are identifiers until an operator is expected. */
function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const ch = text[at]!
    if (ch === ' ' || ch === '\t' || ch === '\r' || ch === '\n') {
      at++
      continue
    }
    if (/[=!(),><]/.test(ch)) {
      const two = text.slice(at, at + 2)
      const symbol = symbols.has(two) ? two : ch
      tokens.push({ type: 'symbol', text: symbol })
      at += symbol.length
      continue
    }
    identifierPattern.lastIndex = at
    const identifier = identifierPattern.exec(text)![0]
    tokens.push({ type: 'identifier', text: identifier })
    at += identifier.length
  }
  tokens.push({ type: 'end', text: '' })
  return tokens
}

/** One walk over the tokens; a class because position and tokens outlive each step. */
class SelectorParser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = []
    for (;;) {
      const token = this.#peek()
      if (token.type === 'end') return requirements
      if (token.type !== 'identifier' && token.text !== '!')
        throw new SelectorError(`found '${token.text}', expected: !, identifier, or 'end of string'`)
      requirements.push(this.#requirement())
      const separator = this.#next()
      if (separator.type === 'end') return requirements
      if (separator.text !== ',' || separator.type !== 'symbol')
        throw new SelectorError(`found '${separator.text}', expected: ',' or 'end of string'`)
      const after = this.#peek()
      if (after.type !== 'identifier' && after.text !== '!')
        throw new SelectorError(`found '${after.text}', expected: identifier after ','`)
    }
  }

  #requirement(): Requirement {
    let token = this.#next()
    const isNegated = token.text === '!' && token.type === 'symbol'
    if (isNegated) token = this.#next()
    if (token.type !== 'identifier') throw refused(`found '${token.text}', expected: identifier`)
    const key = token.text
    const keyErrors = qualifiedName(key)
    if (keyErrors.length) throw refused(invalidValue('<nil>', key, keyErrors))
    const isAlone = this.#peek().type === 'end' || this.#isSymbol(',')
    if (isNegated || isAlone) return { key, operator: isNegated ? '!' : 'exists', values: [] }
    const operator = this.#operator()
    const values = operator === 'in' || operator === 'notin' ? this.#valueSet() : [this.#exactValue()]
    return checked({ key, operator, values: [...new Set(values)].sort() })
  }

  #operator(): SelectorOperator {
    const { text, type } = this.#next()
    const operator = type !== 'end' && Object.hasOwn(binaryOperators, text) ? binaryOperators[text] : undefined
    if (!operator) throw refused(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`)
    return operator
  }

  /** `(a,b)`; an empty place between commas is the empty value. */
  #valueSet(): string[] {
    const open = this.#next()
    if (open.text !== '(') throw refused(`found '${open.text}' expected: '('`)
    const values: string[] = []
    let value: string | undefined
    for (;;) {
      const { type, text } = this.#next()
      if (type === 'identifier') {
        if (value !== undefined) throw refused(`found '${text}', expected: ',' or ')'`)
        value = text
      } else if (text === ',') {
        values.push(value ?? '')
        value = undefined
      } else if (text === ')') {
        values.push(value ?? '')
        return values
      } else
        throw refused(
          values.length === 0 && value === undefined
            ? `found '${text}', expected: ',', ')' or identifier`
            : value === undefined
              ? `found '${text}', expected: ',', or identifier`
              : `found '${text}', expected: ',' or ')'`,
        )
    }
  }

  #exactValue(): string {
    if (this.#peek().type === 'end' || this.#isSymbol(',')) return ''
    const { type, text } = this.#next()
    if (type !== 'identifier') throw refused(`found '${text}', expected: identifier`)
    return text
  }

  #isSymbol(text: string): boolean {
    return this.#peek().type === 'symbol' && this.#peek().text === text
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? this.#tokens.at(-1)!
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }
}

function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement
  const errors: string[] = []
  if ((operator === 'gt' || operator === 'lt') && !isInt64(values[0]!))
    errors.push(`values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`)
  for (const [i, value] of values.entries()) {
    const wrong = labelValue(value)
    if (wrong.length) errors.push(invalidValue(`values[${i}][${key}]`, value, wrong))
  }
  if (errors.length) throw refused(errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`)
  return requirement
}

function invalidValue(path: string, value: string, messages: readonly string[]): string {
  return `${path}: Invalid value: ${JSON.stringify(value)}: ${messages.join('; ')}`
}

function refused(message: string): SelectorError {
  return new SelectorError(`unable to parse requirement: ${message}`)
}
