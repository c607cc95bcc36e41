import { parseYaml } from './yaml.ts'
import { parseGoDuration } from './wire/go-duration.ts'

/** What a field of a configuration file holds: texts, truths, whole numbers, durations in Go's words, lists, maps, objects, anything. */
export type Shape =
  | 'any'
  | 'string'
  | 'boolean'
  | 'integer'
  | 'duration'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> }

export type DocumentKind = {
  readonly group: string
  readonly kind: string
  /** Those that are read; the first is the one that is recommended. */
  readonly versions: readonly string[]
  readonly shape: { readonly fields: Readonly<Record<string, Shape>> }
}

/**
 * Reads a configuration file of one kind in YAML or JSON, strictly: a field that is not known or of another type is an error. Null stands
 * for an absent field. Throws an Error that names every such place, in upstream's words.
 */
export function readDocument<T extends object>(text: string, { group, kind, versions, shape }: DocumentKind): T {
  const value = parseYaml(text)
  const fields = isRecord(value) ? value : {}
  const { apiVersion, kind: given, ...content } = fields
  if (given !== kind || !versions.some((version) => apiVersion === `${group}/${version}`)) {
    const named = `${JSON.stringify(given ?? '')} is registered for version ${JSON.stringify(apiVersion ?? '')}`
    throw new Error(`no kind ${named}: give ${kind} of ${versions.map((version) => `${group}/${version}`).join(' or ')}`)
  }
  const errors: string[] = []
  const read = shaped(content, shape, { path: '', errors })
  if (errors.length > 0) throw new Error(`strict decoding error: ${errors.join(', ')}`)
  return read as T
}

type Place = { readonly path: string; readonly errors: string[] }

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value without its nulls; a duration is in milliseconds. */
function shaped(value: unknown, shape: Shape, { path, errors }: Place): unknown {
  const wrong = (wanted: string) => void errors.push(`field ${JSON.stringify(path)} is no ${wanted}`)
  if (typeof shape === 'string') {
    if (shape === 'any') return value
    if (shape === 'integer') return Number.isInteger(value) ? value : wrong('whole number')
    if (shape !== 'duration') return typeof value === shape ? value : wrong(shape)
    const nanos = typeof value === 'string' ? parseGoDuration(value) : undefined
    return nanos === undefined ? wrong('duration') : nanos / 1e6
  }
  if ('list' in shape) {
    if (!Array.isArray(value)) return wrong('list')
    return value.map((item, i) => shaped(item, shape.list, { path: `${path}[${i}]`, errors }))
  }
  if (!isRecord(value)) return wrong('object')
  const read: Record<string, unknown> = {}
  for (const [name, content] of Object.entries(value)) {
    const inner = path === '' ? name : `${path}.${name}`
    const of = 'map' in shape ? shape.map : Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined
    if (of === undefined) errors.push(`unknown field ${JSON.stringify(inner)}`)
    else if (content !== null) read[name] = shaped(content, of, { path: inner, errors })
  }
  return read
}
