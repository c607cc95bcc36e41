import type { CelType, ObjectType } from './cel-type.ts'
import type { Macros } from './macros.ts'
import type { Overload } from './overload.ts'
import { type CelTypeValue, typeValues, type Value } from './value.ts'

/** Functions, macros and types that belong together. */
export type Library = {
  readonly overloads?: readonly Overload[]
  readonly macros?: Macros
  /** Opaque types whose names expressions may use (`type(x) == net.IP`). */
  readonly types?: readonly CelTypeValue[]
}

export type EnvironmentOptions = {
  readonly libraries: readonly Library[]
  /** Types of the variables that a binding must give. */
  readonly variables?: Readonly<Record<string, CelType>>
  /** Names that stand for a value. */
  readonly constants?: Readonly<Record<string, { readonly type: CelType; readonly value: Value }>>
  /** Types that expressions may construct by name (`Object.spec{replicas: 1}`). */
  readonly structs?: (name: string) => ObjectType | undefined
  /** The namespace that names are looked up in first; absent: none. */
  readonly container?: string
  /** Whether the elements of a list, and the keys and values of a map, may be of several types; Kubernetes says no. */
  readonly allowsMixedLiterals?: boolean
}

/** What names mean. Made once, used by many expressions. */
export type Environment = {
  readonly container: string
  readonly allowsMixedLiterals: boolean
  readonly macros: Macros
  readonly variables: ReadonlyMap<string, CelType>
  /** Where a variable's value lies while an expression is evaluated. */
  readonly slots: ReadonlyMap<string, number>
  readonly structs: (name: string) => ObjectType | undefined
  overloadsOf(name: string): readonly Overload[] | undefined
  /** A name's meaning, by the container: the innermost namespace first. */
  resolve(name: string): Resolved | undefined
  /** The full name of a function. */
  resolveFunction(name: string): string | undefined
  resolveStruct(name: string): ObjectType | undefined
}

export type Resolved =
  | { readonly type: 'variable'; readonly name: string; readonly of: CelType }
  | { readonly type: 'constant'; readonly value: Value; readonly of: CelType }

/** Costs a walk over the libraries unless `base` brings them: environments that differ in variables only share one. */
export function celEnvironment(options: EnvironmentOptions): Environment {
  const functions = new Map<string, Overload[]>()
  for (const overload of options.libraries.flatMap(({ overloads = [] }) => overloads)) {
    const known = functions.get(overload.name)
    if (known) known.push(overload)
    else functions.set(overload.name, [overload])
  }
  const macros = new Map(options.libraries.flatMap((library) => [...(library.macros ?? [])]))
  const constants = new Map<string, { readonly type: CelType; readonly value: Value }>(typeValues)
  for (const type of options.libraries.flatMap(({ types = [] }) => types))
    constants.set(type.name, { type: { kind: 'type', of: { kind: 'opaque', name: type.name, parameters: [] } }, value: type })
  return environmentOf({ functions, macros, constants }, options)
}

type Shared = {
  readonly functions: ReadonlyMap<string, readonly Overload[]>
  readonly macros: Macros
  readonly constants: ReadonlyMap<string, { readonly type: CelType; readonly value: Value }>
}

const shared = new WeakMap<Environment, Shared>()

/** The same libraries with other variables, constants and types. */
export function withVariables(base: Environment, options: Omit<EnvironmentOptions, 'libraries'>): Environment {
  return environmentOf(shared.get(base)!, options)
}

function environmentOf(parts: Shared, options: Omit<EnvironmentOptions, 'libraries'>): Environment {
  const { container = '', allowsMixedLiterals = false, structs = () => undefined } = options
  const variables = new Map(Object.entries(options.variables ?? {}))
  const own = new Map(Object.entries(options.constants ?? {}))
  const find = <T>(name: string, lookup: (full: string) => T | undefined): T | undefined => {
    for (const candidate of candidates(name, container)) {
      const found = lookup(candidate)
      if (found !== undefined) return found
    }
    return undefined
  }
  const meaning = (name: string): Resolved | undefined => {
    const of = variables.get(name)
    if (of) return { type: 'variable', name, of }
    const constant = own.get(name) ?? parts.constants.get(name)
    return constant && { type: 'constant', value: constant.value, of: constant.type }
  }
  const environment: Environment = {
    container,
    allowsMixedLiterals,
    macros: parts.macros,
    variables,
    slots: new Map([...variables.keys()].map((name, i) => [name, i])),
    structs,
    overloadsOf: (name) => parts.functions.get(name),
    resolve: (name) => find(name, meaning),
    resolveFunction: (name) => find(name, (full) => (parts.functions.has(full) ? full : undefined)),
    resolveStruct: (name) => find(name, structs),
  }
  shared.set(environment, parts)
  return environment
}

function* candidates(name: string, container: string): Generator<string> {
  if (name.startsWith('.')) {
    yield name.slice(1)
    return
  }
  for (let at = container; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('.'), 0))) yield `${at}.${name}`
  yield name
}
