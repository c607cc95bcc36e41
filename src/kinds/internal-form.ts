import { type FieldError, fieldErrors } from '../machinery/field-error.ts'
import { unifiedDiff } from '../machinery/unified-diff.ts'
import { immutable } from './checks.ts'
import type { PodSpec } from './generated/types/core-v1.ts'
import { internalTypes } from './internal-types.ts'
import { semanticEqual } from './semantic-equal.ts'

export type InternalType = keyof typeof internalTypes

type Field = { readonly internal: string; readonly external: string; readonly code: string }

const parsed = new Map<InternalType, readonly Field[]>()

/**
 * A value of the API as upstream's own code holds it: every field there, in order, under its internal name. What upstream prints of
 * such values in messages can be told apart from the API's own form, and clients see it.
 */
export function internalForm(type: InternalType, value: unknown): Record<string, unknown> {
  const object = (value ?? {}) as Record<string, unknown>
  const form: Record<string, unknown> = {}
  for (const { internal, external, code } of fieldsOf(type)) {
    if (code === '...') Object.assign(form, embeddedMetadata(object.metadata))
    else form[internal] = formOf(code, object[external])
  }
  return form
}

/** A pod spec keeps the host's namespaces among its security context there. */
export function internalPodSpec(spec: PodSpec): Record<string, unknown> {
  const { hostNetwork, hostPID, hostIPC, hostUsers, shareProcessNamespace } = spec
  const securityContext = { ...spec.securityContext, hostNetwork, hostPID, hostIPC, hostUsers, shareProcessNamespace }
  return internalForm('PodSpec', { ...spec, securityContext })
}

/** Of a value that may not change; `type` is how upstream shows it. */
export function immutableValue(type: InternalType, next: unknown, old: unknown, path: string): FieldError[] {
  return semanticEqual(next, old) ? [] : [fieldErrors.invalid(path, internalForm(type, next), immutable)]
}

/** How two internal forms differ, in the words in which upstream shows it. */
export function internalDiff(old: object, next: object): string {
  return unifiedDiff(prettyJson(old), prettyJson(next))
}

/** Go's encoder writes the letters of HTML so that they can be put into a page. */
function prettyJson(value: unknown): string {
  return JSON.stringify(value, undefined, 1).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function fieldsOf(type: InternalType): readonly Field[] {
  let fields = parsed.get(type)
  if (!fields) parsed.set(type, (fields = internalTypes[type].split(' ').map(parseField)))
  return fields
}

function parseField(word: string): Field {
  if (word === '...metadata') return { internal: '', external: 'metadata', code: '...' }
  const [names, code = ''] = word.split(':') as [string, string?]
  const [internal, external = internal.charAt(0).toLowerCase() + internal.slice(1)] = names.split('=') as [string, string?]
  return { internal, external, code }
}

const zeros: Readonly<Record<string, unknown>> = { '': '', n: 0, b: false, q: '0' }

function formOf(code: string, value: unknown): unknown {
  if (code in zeros) return value ?? zeros[code]
  if (code === '*') return value === undefined ? null : sortedFields(value)
  if (code === 'L') return value ? selectorForm(value as Selector) : null
  if (code.startsWith('[]')) return Array.isArray(value) ? value.map((item) => internalForm(code.slice(2) as InternalType, item)) : null
  if (!code.startsWith('*')) return internalForm(code as InternalType, value)
  return value ? internalForm(code.slice(1) as InternalType, value) : null
}

type Selector = {
  readonly matchLabels?: object
  readonly matchExpressions?: readonly { readonly key?: string; readonly operator?: string; readonly values?: readonly string[] }[]
}

function selectorForm({ matchLabels, matchExpressions }: Selector): object {
  return {
    ...(matchLabels && Object.keys(matchLabels).length ? { matchLabels: sortedFields(matchLabels) } : {}),
    ...(matchExpressions?.length
      ? {
          matchExpressions: matchExpressions.map(({ key = '', operator = '', values }) => ({
            key,
            operator,
            ...(values?.length ? { values } : {}),
          })),
        }
      : {}),
  }
}

function embeddedMetadata(metadata: unknown): object {
  const { labels, annotations, ...rest } = (metadata ?? {}) as Record<string, unknown>
  return {
    ...rest,
    ...(labels ? { labels: sortedFields(labels) } : {}),
    ...(annotations ? { annotations: sortedFields(annotations) } : {}),
  }
}

/** Maps are printed in the order of their keys. */
export function sortedFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
