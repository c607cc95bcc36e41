/** Objects that come close to valid ones: guided by the schemas, made of words that rules stumble over, broken in places. */
import type { Random } from '../../src/base/random.ts'
import schemaFacts from '../../src/kinds/generated/schemas.json' with { type: 'json' }
import type { KindDefinition } from '../../src/kinds/kind.ts'
import { apiVersionOf } from '../../src/machinery/object.ts'
import { validObjects } from './valid-objects.ts'

type Schema = {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly required?: readonly string[]
}

const schemas = schemaFacts as unknown as Readonly<Record<string, Schema>>
const depthMax = 9

export const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!

/** So few that requests meet. */
export const names = ['web', 'web', 'web', 'web', 'a', 'b', 'web-0', 'node-1', 'default', 'x'.repeat(63), 'a.b.c'] as const

export const words = [
  ...names,
  '',
  'A',
  'a b',
  'x'.repeat(300),
  '..',
  '../../etc',
  '/',
  'a/b',
  'a/b/c',
  '10.0.0.1',
  '10.96.0.10',
  '10.0.0.0/8',
  '::1',
  '25%',
  '-1%',
  '100',
  '-1',
  '1e400',
  '1Gi',
  '100m',
  '0.000000001n',
  'true',
  'null',
  'In',
  'Exists',
  'Always',
  'None',
  'RollingUpdate',
  'app=web',
  "metadata.labels['app']",
  '2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00.123456Z',
  '9999-99-99T99:99:99Z',
  '* * * * *',
  'https://a/b',
  'cpu',
  'memory',
  'hugepages-2Mi',
  'example.com/gpu',
  'kubernetes.io/hostname',
  '\u0000',
  '\ud800',
  'ü𝄞',
  '__proto__',
  'constructor',
  'eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ',
] as const

const numbers = [0, 1, -1, 2, 80, 443, 65_535, 65_536, 30_000, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 2 ** 63, 1e308, 0.5, -0] as const

/** Anything that JSON can say. */
export function anything(random: Random, depth = 3): unknown {
  switch (random.below(depth > 0 ? 9 : 5)) {
    case 0:
      return null
    case 1:
      return random.below(2) === 0
    case 2:
    case 3:
      return pick(random, words)
    case 4:
      return pick(random, numbers)
    case 5:
      return Array.from({ length: random.below(4) }, () => anything(random, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [pick(random, [...words, 'metadata', 'spec', 'name']), anything(random, depth - 1)]),
      )
  }
}

/** A value of the schema; optional fields are there with a chance that falls with depth. */
function valueOf(schema: Schema, random: Random, depth: number): unknown {
  if (schema.$ref) return valueOf(schemas[schema.$ref.replace('#/definitions/', '')] ?? {}, random, depth)
  if (schema.enum && random.below(10) > 0) return pick(random, schema.enum)
  switch (schema.type) {
    case 'string':
      return pick(random, words)
    case 'integer':
    case 'number':
      return pick(random, numbers.slice(0, random.below(4) === 0 ? numbers.length : 5))
    case 'boolean':
      return random.below(2) === 0
    case 'array':
      return depth > depthMax ? [] : Array.from({ length: random.below(3) }, () => valueOf(schema.items ?? {}, random, depth + 1))
    default:
      return schema.properties ? objectOf(schema, random, depth) : mapOf(schema, random, depth)
  }
}

function objectOf(schema: Schema, random: Random, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const isWanted = schema.required?.includes(name) ? random.below(30) > 0 : random.next() < Math.max(0.08, 0.5 - depth * 0.1)
    if (isWanted && (depth <= depthMax || schema.required?.includes(name)))
      result[name] = depth > depthMax + 3 ? null : valueOf(field, random, depth + 1)
  }
  return result
}

function mapOf(schema: Schema, random: Random, depth: number): unknown {
  if (!schema.additionalProperties) return pick(random, [1, '25%', 'http', '100m', {}])
  return Object.fromEntries(
    Array.from({ length: random.below(3) }, () => [pick(random, words), valueOf(schema.additionalProperties!, random, depth + 1)]),
  )
}

/** An object of the kind, mostly with sound metadata so that the rules behind it are reached. */
export function madeObject(kind: KindDefinition, random: Random, name: string): Record<string, unknown> {
  const schema = schemas[kind.schema]
  const valid = random.below(5) > 1 ? validObjects[`${kind.group}/${kind.plural}`] : undefined
  const object: Record<string, unknown> = valid ?? (schema ? objectOf(schema, random, 0) : { spec: anything(random) })
  const labels = random.below(2) === 0 ? { labels: { app: pick(random, names) } } : {}
  const metadata = random.below(8) === 0 ? (object.metadata as object | undefined) : { name, ...labels }
  return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, ...(metadata ? { metadata } : {}) }
}

/** One place replaced, taken out, doubled or moved; the argument stays as it is. */
export function broken(object: unknown, random: Random): unknown {
  const copy = structuredClone(object)
  let target = copy as Record<string, unknown>
  if (typeof target !== 'object' || target === null) return anything(random)
  for (let depth = 0; depth < 8; depth++) {
    const keys = Object.keys(target)
    if (keys.length === 0) break
    const key = pick(random, keys)
    const below = target[key]
    if (typeof below === 'object' && below !== null && random.below(4) > 0) {
      target = below as Record<string, unknown>
      continue
    }
    switch (random.below(4)) {
      case 0:
        delete target[key]
        break
      case 1:
        if (Array.isArray(target)) target.push(below)
        else target[pick(random, words)] = below
        break
      default:
        target[key] = anything(random)
    }
    break
  }
  return copy
}
