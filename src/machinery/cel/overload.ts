import { type CelType, celTypes } from './cel-type.ts'
import type { Value } from './value.ts'

/** One way to call a function. */
export type Overload = {
  readonly id: string
  readonly name: string
  readonly isMember: boolean
  /** The target of a member first. */
  readonly parameters: readonly CelType[]
  readonly result: CelType
  readonly typeParameters: readonly string[]
  readonly apply: (...args: Value[]) => Value
  /** What a call costs, known before it is made; absent: 1. */
  readonly cost: ((...args: Value[]) => number) | undefined
  /** Whether the arguments are of the parameters' types, as far as their values tell. */
  accepts(args: readonly Value[]): boolean
}

/**
 * Declares an overload by its signature: `string.contains(string): bool` for a member, `size(list<A>): int` for a function,
 * `sets.contains(list<A>, list<A>): bool` for one in a namespace (no type has that name). `apply` gets arguments of the declared types:
 * the evaluator has looked.
 */
export function overload(
  signature: string,
  apply: (...args: never[]) => Value,
  options: { readonly id?: string; readonly cost?: (...args: never[]) => number } = {},
): Overload {
  const { isMember, name, parameters, result, id } = parsed(signature)
  const tests = parameters.map(testOf)
  return {
    id: options.id ?? id,
    name,
    isMember,
    parameters,
    result,
    typeParameters: [...new Set(signature.match(/\b[A-Z]\b/g))],
    // The evaluator calls with values that passed `accepts`.
    apply: apply as unknown as Overload['apply'],
    cost: options.cost as unknown as Overload['cost'],
    accepts: (args) => args.length === tests.length && tests.every((test, i) => test === undefined || test(args[i]!)),
  }
}

const simpleNames: Readonly<Record<string, CelType>> = {
  dyn: celTypes.dyn,
  null: celTypes.null,
  bool: celTypes.bool,
  int: celTypes.int,
  uint: celTypes.uint,
  double: celTypes.double,
  string: celTypes.string,
  bytes: celTypes.bytes,
  timestamp: celTypes.timestamp,
  duration: celTypes.duration,
  type: celTypes.type(celTypes.dyn),
}

/** Types of libraries by the names that signatures have for them. */
const opaqueNames: Readonly<Record<string, string>> = {
  URL: 'kubernetes.URL',
  IP: 'net.IP',
  CIDR: 'net.CIDR',
  Quantity: 'kubernetes.Quantity',
  Semver: 'kubernetes.Semver',
  Format: 'kubernetes.NamedFormat',
  Authorizer: 'kubernetes.authorization.Authorizer',
  PathCheck: 'kubernetes.authorization.PathCheck',
  GroupCheck: 'kubernetes.authorization.GroupCheck',
  ResourceCheck: 'kubernetes.authorization.ResourceCheck',
  Decision: 'kubernetes.authorization.Decision',
}

function parsed(signature: string) {
  const open = signature.indexOf('(')
  const close = signature.lastIndexOf('): ')
  const head = signature.slice(0, open)
  const dot = head.lastIndexOf('.')
  const receiver = dot < 0 ? undefined : typeNamed(head.slice(0, dot))
  const name = receiver ? head.slice(dot + 1) : head
  const args = splitTypes(signature.slice(open + 1, close)).map(typeOf)
  const parameters = receiver ? [receiver, ...args] : args
  return {
    isMember: receiver !== undefined,
    name,
    parameters,
    result: typeOf(signature.slice(close + 3)),
    id: signature.slice(0, close + 1),
  }
}

function splitTypes(text: string): string[] {
  return text === '' ? [] : text.split(/,\s*(?![^<]*>)/)
}

function typeOf(text: string): CelType {
  const type = typeNamed(text)
  if (!type) throw new TypeError(`no type is named ${text}`)
  return type
}

function typeNamed(text: string): CelType | undefined {
  const match = /^(\w+)<(.*)>$/.exec(text)
  if (match) {
    const [a, b] = splitTypes(match[2]!).map(typeOf)
    switch (match[1]) {
      case 'list':
        return celTypes.list(a!)
      case 'map':
        return celTypes.map(a!, b!)
      case 'type':
        return celTypes.type(a)
      case 'optional':
        return celTypes.optional(a!)
      default:
        return undefined
    }
  }
  if (/^[A-Z]$/.test(text)) return celTypes.parameter(text)
  if (Object.hasOwn(opaqueNames, text)) return celTypes.opaque(opaqueNames[text]!)
  return Object.hasOwn(simpleNames, text) ? simpleNames[text] : undefined
}

type Test = (value: Value) => boolean

const ofKind =
  (kind: string): Test =>
  (value) =>
    typeof value === 'object' && value !== null && value.kind === kind

const simpleTests: Readonly<Record<string, Test>> = {
  null: (value) => value === null,
  bool: (value) => typeof value === 'boolean',
  int: (value) => typeof value === 'bigint',
  double: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  uint: ofKind('uint'),
  bytes: ofKind('bytes'),
  timestamp: ofKind('timestamp'),
  duration: ofKind('duration'),
  list: ofKind('list'),
  map: ofKind('map'),
  type: ofKind('type'),
}

function testOf(type: CelType): Test | undefined {
  if (type.kind === 'opaque' && type.name === 'optional_type') return ofKind('optional')
  if (type.kind === 'opaque')
    return (value) => typeof value === 'object' && value !== null && value.kind === 'opaque' && value.type.name === type.name
  return simpleTests[type.kind]
}
