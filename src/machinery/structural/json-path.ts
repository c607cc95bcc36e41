/**
 * The JSON paths of printer columns, selectable fields and scales (https://kubernetes.io/docs/reference/kubectl/jsonpath/, without
 * braces and functions): `.spec.a`, `['a.b']`, `.a\.b`, `[0]`, `[-1:]`, `[*]`, `..name`, `[?(@.type=="Ready")]`.
 */
export type JsonPath = {
  /** Everything that the path finds, in order; nothing where a step leads nowhere. Never throws. */
  find(value: unknown): readonly unknown[]
  /** The names when the path only names one field after the other; undefined for any other path. */
  readonly fields: readonly string[] | undefined
}

type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'slice'; readonly from: number | undefined; readonly to: number | undefined; readonly by: number }
  | { readonly type: 'all' }
  | { readonly type: 'deep' }
  | { readonly type: 'filter'; readonly left: readonly Step[]; readonly operator: string; readonly right: Operand }
type Operand = { readonly literal: unknown } | { readonly path: readonly Step[] } | undefined

const foundMax = 10_000

/** Throws SyntaxError with a reason. */
export function parseJsonPath(text: string): JsonPath {
  const steps = parseSteps(text)
  const fields = steps.every((step) => step.type === 'field') ? steps.map((step) => (step as { name: string }).name) : undefined
  return { find: (value) => steps.reduce<unknown[]>((values, step) => follow(values, step).slice(0, foundMax), [value]), fields }
}

function parseSteps(text: string): Step[] {
  const steps: Step[] = []
  let rest = text.startsWith('$') ? text.slice(1) : text
  while (rest !== '') {
    const { step, length } = rest.startsWith('[') ? bracketStep(rest) : dotStep(rest, steps.length === 0)
    if (step) steps.push(step)
    rest = rest.slice(length)
  }
  return steps
}

function dotStep(rest: string, isFirst: boolean): { readonly step: Step | undefined; readonly length: number } {
  if (rest.startsWith('..')) return { step: { type: 'deep' }, length: rest[2] === '[' ? 2 : 1 }
  if (!rest.startsWith('.') && !isFirst) throw new SyntaxError(`unexpected ${JSON.stringify(rest)}`)
  const start = rest.startsWith('.') ? 1 : 0
  const match = /^(?:\\.|[^.[\]\s\\])*/.exec(rest.slice(start))!
  const length = start + match[0].length
  if (match[0] === '*') return { step: { type: 'all' }, length }
  if (match[0] !== '') return { step: { type: 'field', name: match[0].replace(/\\(.)/g, '$1') }, length }
  // A lone dot is the value itself; one before a bracket only introduces it.
  if (length === 0 || (rest.length > length && rest[length] !== '[')) throw new SyntaxError(`unexpected ${JSON.stringify(rest)}`)
  return { step: undefined, length }
}

function bracketStep(rest: string): { readonly step: Step; readonly length: number } {
  const length = closingBracket(rest) + 1
  const inner = rest.slice(1, length - 1).trim()
  if (inner === '*') return { step: { type: 'all' }, length }
  const quoted = /^(['"])((?:\\.|(?!\1).)*)\1$/.exec(inner)
  if (quoted) return { step: { type: 'field', name: quoted[2]!.replace(/\\(.)/g, '$1') }, length }
  if (/^-?\d+$/.test(inner)) return { step: { type: 'index', index: Number(inner) }, length }
  const slice = /^(-?\d+)?:(-?\d+)?(?::(-?\d+))?$/.exec(inner)
  if (slice) {
    const number = (part: string | undefined) => (part === undefined ? undefined : Number(part))
    return { step: { type: 'slice', from: number(slice[1]), to: number(slice[2]), by: number(slice[3]) ?? 1 }, length }
  }
  const filter = /^\?\((.*)\)$/.exec(inner)
  if (filter) return { step: filterStep(filter[1]!), length }
  throw new SyntaxError(`invalid array index ${inner}`)
}

function closingBracket(text: string): number {
  let depth = 0
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const ch = text[i]!
    if (quote !== '') {
      if (ch === '\\') i++
      else if (ch === quote) quote = ''
    } else if (ch === '"' || ch === "'") quote = ch
    else if (ch === '[') depth++
    else if (ch === ']' && --depth === 0) return i
  }
  throw new SyntaxError('unterminated array')
}

function filterStep(text: string): Step {
  const match = /^\s*(@[^=!<>]*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/.exec(text)
  if (!match) throw new SyntaxError('unrecognized filter')
  const left = parseSteps(match[1]!.slice(1))
  const [, , operator = 'exists', right] = match
  return { type: 'filter', left, operator, right: right === undefined ? undefined : operandOf(right) }
}

function operandOf(text: string): Operand {
  const quoted = /^(['"])(.*)\1$/.exec(text)
  if (quoted) return { literal: quoted[2]!.replace(/\\(.)/g, '$1') }
  if (text.startsWith('@')) return { path: parseSteps(text.slice(1)) }
  if (text === 'true' || text === 'false') return { literal: text === 'true' }
  const number = Number(text)
  if (Number.isNaN(number)) throw new SyntaxError(`unrecognized filter operand ${text}`)
  return { literal: number }
}

function follow(values: readonly unknown[], step: Step): unknown[] {
  switch (step.type) {
    case 'field':
      return values.flatMap((value) => (isContainer(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : []))
    case 'index':
      return values.flatMap((value) => (Array.isArray(value) && value.length > 0 ? value.slice(step.index).slice(0, 1) : []))
    case 'slice':
      return values.flatMap((value) => (Array.isArray(value) ? value.slice(step.from, step.to).filter((_, i) => i % step.by === 0) : []))
    case 'all':
      return values.flatMap(childrenOf)
    case 'deep':
      return values.flatMap(withDescendants)
    case 'filter':
      return values.flatMap(childrenOf).filter((value) => passes(value, step))
  }
}

const isContainer = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const childrenOf = (value: unknown): unknown[] => (typeof value === 'object' && value !== null ? Object.values(value) : [])
const withDescendants = (value: unknown): unknown[] => [value, ...childrenOf(value).flatMap(withDescendants)]

function passes(value: unknown, { left, operator, right }: Step & { type: 'filter' }): boolean {
  const found = left.reduce<unknown[]>(follow, [value])
  if (operator === 'exists') return found.length > 0
  if (found.length === 0 || right === undefined) return false
  const a = found[0]
  const b = 'literal' in right ? right.literal : right.path.reduce<unknown[]>(follow, [value])[0]
  switch (operator) {
    case '==':
      return a === b
    case '!=':
      return a !== b
    default:
      return typeof a === typeof b && (typeof a === 'number' || typeof a === 'string') && compares(a as number, operator, b as number)
  }
}

function compares(a: number, operator: string, b: number): boolean {
  if (operator === '<') return a < b
  if (operator === '<=') return a <= b
  return operator === '>' ? a > b : a >= b
}
