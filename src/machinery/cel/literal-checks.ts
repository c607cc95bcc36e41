import { type Call, type Expr, type ListLiteral, type MapLiteral } from './ast.ts'
import { type CelType, formatType, isDynamic, sameType } from './cel-type.ts'
import type { Checked } from './checker.ts'
import { EvaluationError } from './evaluation-error.ts'
import type { Issue } from './issues.ts'
import { regexOf } from './regex.ts'
import { parseDuration, parseTimestamp } from './time.ts'

/**
 * What Kubernetes asks of literals beyond their types: elements of one list or map are of one type, dynamic ones among themselves, too,
 * and texts that become durations, times and patterns are such. `types` are those that the check found.
 */
export function checkLiterals(expr: Expr, types: Checked['types']): Issue[] {
  const issues: Issue[] = []
  walk(expr, (node) => {
    if (node.kind === 'list') checkList(node, types, issues)
    else if (node.kind === 'map') checkMap(node, types, issues)
    else if (node.kind === 'call') checkArgument(node, issues)
    // What is formatted may be of any types.
    return !(node.kind === 'call' && node.name === 'format')
  })
  return issues
}

/** `visit` says whether to go on below the node. */
function walk(expr: Expr, visit: (expr: Expr) => boolean): void {
  if (visit(expr)) for (const child of childrenOf(expr)) walk(child, visit)
}

function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'constant':
    case 'identifier':
      return []
    case 'select':
      return [expr.operand]
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args
    case 'list':
      return expr.elements
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value])
    case 'struct':
      return expr.fields.map(({ value }) => value)
    case 'comprehension':
      return [expr.range, expr.init, expr.condition, expr.step, expr.result]
  }
}

function checkList({ elements, optional }: ListLiteral, types: Checked['types'], issues: Issue[]): void {
  let first: CelType | undefined
  for (const [i, element] of elements.entries()) {
    const type = typeOf(types, element, optional.has(i))
    if (!type) return
    first ??= type
    if (isEquivalent(first, type)) continue
    issues.push(mismatch(element, first, type))
    return
  }
}

function checkMap({ entries }: MapLiteral, types: Checked['types'], issues: Issue[]): void {
  const [first] = entries
  if (!first) return
  const keyType = typeOf(types, first.key, false)
  const valueType = typeOf(types, first.value, first.isOptional)
  for (const { key, value, isOptional } of entries.slice(1)) {
    const [ofKey, ofValue] = [typeOf(types, key, false), typeOf(types, value, isOptional)]
    if (keyType && ofKey && !isEquivalent(keyType, ofKey)) issues.push(mismatch(key, keyType, ofKey))
    if (valueType && ofValue && !isEquivalent(valueType, ofValue)) issues.push(mismatch(value, valueType, ofValue))
  }
}

function typeOf(types: Checked['types'], { id }: Expr, isOptional: boolean): CelType | undefined {
  const type = types.get(id)
  return isOptional && type?.kind === 'opaque' ? type.parameters[0] : type
}

const isEquivalent = (a: CelType, b: CelType) => (isDynamic(a) && isDynamic(b)) || sameType(a, b)

const mismatch = ({ at }: Expr, wanted: CelType, given: CelType): Issue => ({
  at,
  message: `expected type '${formatType(wanted)}' but found '${formatType(given)}'`,
})

const literalReaders: Readonly<Record<string, (text: string) => unknown>> = {
  duration: parseDuration,
  timestamp: parseTimestamp,
  matches: regexOf,
}

function checkArgument({ name, args: [argument] }: Call, issues: Issue[]): void {
  const read = literalReaders[name]
  if (!read || argument?.kind !== 'constant' || typeof argument.value !== 'string') return
  try {
    read(argument.value)
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    issues.push({ at: argument.at, message: `invalid ${name} argument` })
  }
}
