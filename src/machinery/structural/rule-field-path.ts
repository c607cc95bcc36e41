import type { JsonSchema } from './json-schema.ts'

/** Where a path of fields and keys leads in a schema: `.a.b`, `['a.b']`, `.map['key']`. */
export type SchemaPlace = {
  /** As upstream writes it: `a.b`, `map[key]`. */
  readonly path: string
  /** The first field. */
  readonly root: string
  readonly schema: JsonSchema | undefined
}

/** The place that a path leads to, or what is wrong with it, in upstream's words. Brackets may be forbidden. */
export function findPlace(
  schema: JsonSchema,
  text: string,
  { allowsBrackets }: { readonly allowsBrackets: boolean },
): { readonly place: SchemaPlace } | { readonly problem: string } {
  let at: JsonSchema | undefined = schema
  let path = ''
  let root: string | undefined
  const tokens = tokensOf(text)
  const step = (name: string): string | undefined => {
    const { properties, additionalProperties }: JsonSchema = at ?? {}
    if (properties === undefined && additionalProperties === undefined) return 'does not refer to a valid field'
    root ??= name
    if (properties === undefined) {
      path += `[${name}]`
      at = typeof additionalProperties === 'object' ? additionalProperties : undefined
      return undefined
    }
    path += path === '' ? name : `.${name}`
    at = Object.hasOwn(properties, name) ? properties[name] : undefined
    return at === undefined ? 'does not refer to a valid field' : undefined
  }
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    let problem: string | undefined
    if (token === '.') problem = tokens[++i] === undefined ? unexpectedEnd : step(tokens[i]!)
    else if (token !== '[') problem = `expected [ or . but got: ${token}`
    else if (!allowsBrackets) problem = 'array notation is not allowed'
    else {
      const name = tokens[++i]
      problem = name === undefined ? unexpectedEnd : bracketProblem(name)
      problem ??= step(unescaped(name!.slice(1, -1)))
      problem ??= tokens[++i] === undefined ? unexpectedEnd : tokens[i] === ']' ? undefined : `expected ] but got ${tokens[i]}`
    }
    if (problem !== undefined) return { problem }
  }
  return { place: { path, root: root ?? '', schema: at } }
}

const unexpectedEnd = 'unexpected end of JSON path'

/** `.`, `[`, `]`, texts in quotes with them, and what stands between. */
const tokensOf = (text: string): readonly string[] => text.match(/[.[\]]|'(?:[^'\\]|\\.)*'|'.*$|[^.[\]]+/gs) ?? []

function bracketProblem(name: string): string | undefined {
  if (!/^'.*'$/s.test(name) || name.length < 2) return `expected single quoted string but got ${name}`
  const strange = /\\[^abfnrtv'\\]/.exec(name.slice(1, -1))
  return strange ? `invalid string literal: invalid escape char ${strange[0]}` : undefined
}

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
const unescaped = (text: string) => text.replace(/\\(.)/g, (_, sign: string) => escapes[sign] ?? sign)
