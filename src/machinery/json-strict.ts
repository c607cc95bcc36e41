import { jsonFault } from './json-fault.ts'

/**
 * JSON bodies: parsed by the engine, bounded, and on demand scanned for duplicate fields, which JSON.parse silently merges.
 *
 * Invariants:
 * 1. `value` is exactly what JSON.parse gives, so the last of two duplicates wins, as in Go.
 * 2. A value nested more than 1,000 deep is refused, so that what walks values may recurse (Go's own bound is 10,000).
 */

const depthMax = 1_000
const duplicatesMax = 100
const decoder = new TextDecoder('utf-8', { fatal: false })

/** A body that is no JSON; the message is worded as Go's decoder words it. */
export class JsonError extends Error {
  override name = 'JsonError'
}

export type ParsedJson = {
  readonly value: unknown
  /** Paths of fields that occur twice (`spec.replicas`, `spec.containers[0].name`), in order of appearance, at most 100. */
  readonly duplicates: readonly string[]
}

/** Parses and looks for duplicates: for `fieldValidation` Warn and Strict. Throws JsonError. */
export function parseJsonStrict(bytes: Uint8Array | string): ParsedJson {
  const text = typeof bytes === 'string' ? bytes : decoder.decode(bytes)
  const value = parse(text)
  return { value, duplicates: mayHaveDuplicates(text, value) ? findDuplicates(text) : [] }
}

/** Parses without looking for duplicates. Throws JsonError. */
export function parseJson(bytes: Uint8Array | string): unknown {
  return parse(typeof bytes === 'string' ? bytes : decoder.decode(bytes))
}

function parse(text: string): unknown {
  if (/^\s*$/.test(text)) throw new JsonError('unexpected end of JSON input')
  const value = parseText(text)
  // Nesting takes two characters a level, so short bodies need no look.
  if (text.length > 2 * depthMax && isDeep(value, depthMax)) throw new JsonError('exceeded max depth')
  return value
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new JsonError(jsonFault(text), { cause: error })
  }
}

function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) return value.some((item) => isDeep(item, levels - 1))
  for (const key in value) if (isDeep((value as Record<string, unknown>)[key], levels - 1)) return true
  return false
}

/** Writing the value again gives as many fields as the text has, unless some were merged. Compares the count of colons outside strings. */
function mayHaveDuplicates(text: string, value: unknown): boolean {
  return countFieldsOfText(text) !== countFields(value)
}

function countFieldsOfText(text: string): number {
  let fields = 0
  let at = 0
  for (;;) {
    // Strings are skipped by indexOf, which is far faster than looking at every character.
    const quote = text.indexOf('"', at)
    if (quote < 0) return fields
    let end = text.indexOf('"', quote + 1)
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
    at = end + 1
    while (isSpace(text.charCodeAt(at))) at++
    if (text.charCodeAt(at) === 58) fields++
  }
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === 92) slashes++
  return slashes % 2 === 1
}

function isSpace(ch: number): boolean {
  return ch === 32 || ch === 10 || ch === 13 || ch === 9
}

function countFields(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let fields = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') fields += countFields(item)
    return fields
  }
  for (const key in value) {
    fields++
    const field = (value as Record<string, unknown>)[key]
    if (typeof field === 'object') fields += countFields(field)
  }
  return fields
}

type Frame = { readonly path: string; readonly keys: Set<string> | undefined; index: number; key: string }

/** Walks valid JSON token by token, keeping the path and the keys seen in every open object. */
function findDuplicates(text: string): string[] {
  const duplicates: string[] = []
  const open: Frame[] = []
  const childPath = () => {
    const top = open.at(-1)
    if (!top) return ''
    if (!top.keys) return `${top.path}[${top.index}]`
    return top.path ? `${top.path}.${top.key}` : top.key
  }
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\],]/gs
  for (const [token, colon] of text.matchAll(tokens)) {
    const top = open.at(-1)
    if (colon !== undefined && top?.keys) {
      top.key = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string
      if (top.keys.has(top.key)) duplicates.push(childPath())
      else top.keys.add(top.key)
      if (duplicates.length >= duplicatesMax) break
    } else if (token === '{') open.push({ path: childPath(), keys: new Set(), index: 0, key: '' })
    else if (token === '[') open.push({ path: childPath(), keys: undefined, index: 0, key: '' })
    else if (token === '}' || token === ']') open.pop()
    else if (token === ',' && top && !top.keys) top.index++
  }
  return [...new Set(duplicates)]
}
