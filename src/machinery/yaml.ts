import { defineScalarTag, loadAll, mapTag, mergeTag, NOT_RESOLVED, Schema, seqTag, strTag, YAMLException } from 'js-yaml'
import { duplicateKeys } from './yaml-duplicates.ts'

/**
 * YAML as Kubernetes' tools read it: YAML 1.1's booleans and octal numbers, but no timestamps, no base 60, no binary, so
 * that every document is a JSON value.
 */

const aliasesMax = 1000
const expandedNodesMax = 1_000_000

/** Text that is no YAML; the message starts like Go's. */
export class YamlError extends Error {
  override name = 'YamlError'
}

let made: Schema | undefined

/** Made by the first who reads or writes YAML: most servers see JSON alone. */
const schema = (): Schema => (made ??= newSchema())

function newSchema(): Schema {
  const nullTag = defineScalarTag('tag:yaml.org,2002:null', {
    implicit: true,
    implicitFirstChars: ['', '~', 'n', 'N'],
    resolve: (text) => (/^(?:|~|null|Null|NULL)$/.test(text) ? null : NOT_RESOLVED),
    identify: (value) => value === null,
    represent: () => 'null',
  })

  const boolTag = defineScalarTag('tag:yaml.org,2002:bool', {
    implicit: true,
    implicitFirstChars: 'yYnNtTfFoO'.split(''),
    resolve: (text) => {
      if (/^(?:true|True|TRUE|yes|Yes|YES|on|On|ON)$/.test(text)) return true
      return /^(?:false|False|FALSE|no|No|NO|off|Off|OFF)$/.test(text) ? false : NOT_RESOLVED
    },
    identify: (value) => typeof value === 'boolean',
  })

  const intTag = defineScalarTag('tag:yaml.org,2002:int', {
    implicit: true,
    implicitFirstChars: '+-0123456789'.split(''),
    resolve: (text) => {
      const match = /^([-+]?)(?:(0)|([1-9][0-9_]*)|0[bB]([01_]+)|0[xX]([0-9a-fA-F_]+)|0[oO]?([0-7_]+))$/.exec(text)
      if (!match) return NOT_RESOLVED
      const [, sign, zero, decimal, binary, hex, octal] = match
      const digits = (zero ?? decimal ?? binary ?? hex ?? octal)!.replaceAll('_', '')
      const value = Number.parseInt(digits, binary ? 2 : hex ? 16 : octal ? 8 : 10)
      // Beyond 64 bits Go reads a decimal in floating point, and else a text.
      if (!decimal && value >= 2 ** 64) return NOT_RESOLVED
      return sign === '-' ? -value : value
    },
    identify: (value) => typeof value === 'number' && Number.isInteger(value),
  })

  const floatTag = defineScalarTag('tag:yaml.org,2002:float', {
    implicit: true,
    implicitFirstChars: '+-.0123456789'.split(''),
    resolve: (text) => {
      const isNumber = /^[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)
      const value = isNumber ? Number(text.replaceAll('_', '')) : Number.NaN
      return Number.isFinite(value) ? value : NOT_RESOLVED
    },
    identify: (value) => typeof value === 'number',
  })

  return new Schema([strTag, seqTag, mapTag, nullTag, boolTag, intTag, floatTag, mergeTag])
}

/** The first document; none at all is null. Of duplicate keys the last wins. Throws YamlError. */
export function parseYaml(text: string): unknown {
  if (isBlank(text)) return null
  return guarded(text, () => loadAll(text, { schema: schema(), json: true, maxAliases: aliasesMax })[0] ?? null)
}

/** One document, and what Go's decoder says about its duplicate keys, if there are any. Throws YamlError. */
export function parseYamlStrict(text: string): { readonly value: unknown; readonly duplicate: string | undefined } {
  const value = parseYaml(text)
  const lines = isBlank(text) ? [] : duplicateKeys(text, parseYaml)
  return { value, duplicate: lines.length === 0 ? undefined : ['yaml: unmarshal errors:', ...lines].join('\n  ') }
}

/** All documents of a stream; empty ones are left out. Throws YamlError. */
export function parseYamlDocuments(text: string): unknown[] {
  return guarded(text, () =>
    loadAll(text, { schema: schema(), json: true, maxAliases: aliasesMax }).filter((d) => d !== null && d !== undefined),
  )
}

/** The words of Go's parser for what is wrong most often. */
const goReasons: Readonly<Record<string, string>> = {
  'tab characters must not be used in indentation': 'found character that cannot start any token',
  'bad indentation of a mapping entry': 'mapping values are not allowed in this context',
}

/** Go names no line where it is the first. */
function goReason({ mark, reason }: YAMLException): string {
  const line = (mark?.line ?? 0) + 1
  return `${line > 1 ? `line ${line}: ` : ''}${goReasons[reason] ?? reason}`
}

const isBlank = (text: string) => /^\s*(?:#[^\n]*(?:\n\s*|$))*$/.test(text)

function guarded<T>(text: string, parse: () => T): T {
  try {
    const value = parse()
    if (text.includes('*') && countNodes(value, 0, new Set()) > expandedNodesMax)
      throw new YamlError('error parsing YAML: document contains excessive aliasing')
    return value
  } catch (error) {
    if (error instanceof YAMLException) throw new YamlError(`error converting YAML to JSON: yaml: ${goReason(error)}`, { cause: error })
    throw error
  }
}

/** Counts what aliases expand to, and stops as soon as it is too much. Throws YamlError for a value inside itself. */
function countNodes(value: unknown, before: number, ancestors: Set<object>): number {
  let count = before + 1
  if (typeof value !== 'object' || value === null) return count
  if (ancestors.has(value)) throw new YamlError('error converting YAML to JSON: yaml: anchor value contains itself')
  ancestors.add(value)
  for (const child of Object.values(value)) {
    if (count > expandedNodesMax) break
    count = countNodes(child, count, ancestors)
  }
  ancestors.delete(value)
  return count
}
