import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { configMapKey } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
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
  validate: (secret) => {
    const errors: FieldError[] = []
    for (const key in secret.data) for (const message of configMapKey(key)) errors.push(fieldErrors.invalid(`data[${key}]`, key, message))
    if (base64Bytes(secret.data) > dataBytesMax) errors.push(fieldErrors.tooLong('data', '', dataBytesMax))
    errors.push(...validateType(secret))
    return errors
  },
  validateUpdate: (secret, old) => {
    const errors = immutableField(secret.type, old.type, 'type')
    if (!old.immutable) return errors
    if (!secret.immutable) errors.push(fieldErrors.forbidden('immutable', frozen))
    if (!deepEqual(secret.data ?? {}, old.data ?? {})) errors.push(fieldErrors.forbidden('data', frozen))
    return errors
  },
  columns: [
    nameColumn,
    column.string('Type', ({ type }) => type ?? ''),
    column.string('Data', ({ data }) => Object.keys(data ?? {}).length),
    ageColumn,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
})

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

function validateJson(data: Readonly<Record<string, string>>, key: string): FieldError[] {
  const value = data[key]
  if (value === undefined) return [fieldErrors.required(`data[${key}]`)]
  try {
    JSON.parse(Buffer.from(value, 'base64').toString())
    return []
  } catch {
    // The parser's own words would show a piece of the secret.
    return [fieldErrors.invalid(`data[${key}]`, '<secret contents redacted>', 'invalid character in JSON')]
  }
}
