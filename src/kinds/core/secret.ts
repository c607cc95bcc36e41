import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { jsonFault } from '../../machinery/json-fault.ts'
import { configMapKey } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { keyPairFault } from '../../platform/pki/key-pair.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { Secret } from '../generated/types/core-v1.ts'
import { base64Bytes, dataBytesMax } from './data-bytes.ts'

const serviceAccountName = 'kubernetes.io/service-account.name'
const frozen = 'field is immutable when `immutable` is set'

export const secrets = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  applyDefaults: (secret) => {
    secret.type ||= 'Opaque'
    if (!secret.stringData) return
    // Write-only: what is stored and read is base64 in `data`.
    secret.data ??= {}
    for (const key in secret.stringData) secret.data[key] = Buffer.from(secret.stringData[key]!).toString('base64')
    delete secret.stringData
  },
  prepareForUpdate: (secret, old) => {
    secret.type ||= old.type ?? 'Opaque'
  },
  validate: (secret, old) => {
    const errors = old ? immutableField(secret.type, old.type, 'type') : []
    if (old?.immutable && !secret.immutable) errors.push(fieldErrors.forbidden('immutable', frozen))
    if (old?.immutable && !deepEqual(secret.data ?? {}, old.data ?? {})) errors.push(fieldErrors.forbidden('data', frozen))
    for (const key in secret.data) for (const message of configMapKey(key)) errors.push(fieldErrors.invalid(`data[${key}]`, key, message))
    if (base64Bytes(secret.data) > dataBytesMax) errors.push(fieldErrors.tooLong('data', '', dataBytesMax))
    errors.push(...validateType(secret))
    return errors
  },
  warnings: ({ type, data = {} }) => {
    const fault = type === 'kubernetes.io/tls' && keyPairFault(textOf(data['tls.crt']), textOf(data['tls.key']))
    return fault ? [fault] : []
  },
  columns: [
    nameColumn,
    column.string('Type', ({ type }) => type ?? ''),
    column.string('Data', ({ data }) => Object.keys(data ?? {}).length),
    ageColumn,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
})

const textOf = (value = '') => Buffer.from(value, 'base64').toString()

/** What each well-known type must hold. */
function validateType({ type, data = {}, metadata }: Secret): FieldError[] {
  switch (type) {
    case 'kubernetes.io/service-account-token':
      return metadata.annotations?.[serviceAccountName] ? [] : [fieldErrors.required(`metadata.annotations[${serviceAccountName}]`)]
    case 'kubernetes.io/dockercfg':
      return validateJson(data, '.dockercfg')
    case 'kubernetes.io/dockerconfigjson':
      return validateJson(data, '.dockerconfigjson')
    case 'kubernetes.io/basic-auth':
      return 'username' in data || 'password' in data
        ? []
        : [fieldErrors.required('data[username]'), fieldErrors.required('data[password]')]
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [fieldErrors.required('data[ssh-privatekey]')]
    case 'kubernetes.io/tls':
      return ['tls.crt', 'tls.key'].filter((key) => !(key in data)).map((key) => fieldErrors.required(`data[${key}]`))
    default:
      return []
  }
}

/** Why a text is no JSON object; undefined: it is one, or null. */
function objectFault(text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return jsonFault(text)
  }
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`
}

function validateJson(data: Readonly<Record<string, string>>, key: string): FieldError[] {
  const value = data[key]
  if (value === undefined) return [fieldErrors.required(`data[${key}]`)]
  const fault = objectFault(Buffer.from(value, 'base64').toString())
  return fault === undefined ? [] : [fieldErrors.invalid(`data[${key}]`, '<secret contents redacted>', fault)]
}
