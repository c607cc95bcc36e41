import type { ObjectMeta } from '../../kinds/generated/types/meta-v1.ts'
import { type FieldError, fieldErrors } from '../field-error.ts'
import { dns1035Label, pathSegmentName } from '../names.ts'
import { validateObjectMeta } from '../object-meta.ts'
import { fieldPath, isObject, type JsonSchema, schemaOfField } from './json-schema.ts'
import { leadsTo } from './leads-to.ts'

/** What is wrong with the type and the metadata of resources inside resources (`x-kubernetes-embedded-resource`). */
export function embeddedResourceErrors(schema: JsonSchema, value: unknown, path = ''): FieldError[] {
  if (!leadsToEmbedded(schema)) return []
  if (Array.isArray(value))
    return schema.items ? value.flatMap((item, i) => embeddedResourceErrors(schema.items!, item, `${path}[${i}]`)) : []
  if (!isObject(value)) return []
  const errors = path !== '' && schema['x-kubernetes-embedded-resource'] ? resourceErrors(value, path) : []
  for (const field in value) {
    const child = schemaOfField(schema, field)
    if (!child) continue
    const isDeclared = child !== schema.additionalProperties
    errors.push(...embeddedResourceErrors(child, value[field], isDeclared ? fieldPath(path, field) : `${path}[${field}]`))
  }
  return errors
}

/** Whether a schema, or anything below it, describes a resource. */
export const leadsToEmbedded = leadsTo((schema) => schema['x-kubernetes-embedded-resource'] === true)

function resourceErrors(value: Readonly<Record<string, unknown>>, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { apiVersion, kind, metadata } = value
  if (apiVersion === undefined) errors.push(fieldErrors.required(`${path}.apiVersion`))
  if (kind === undefined) errors.push(fieldErrors.required(`${path}.kind`))
  const check = (field: string, given: unknown, problemOf: (text: string) => string | undefined) => {
    if (given === undefined) return
    const problem = typeof given !== 'string' ? 'must be a string' : given === '' ? 'must not be empty' : problemOf(given)
    if (problem !== undefined) errors.push(fieldErrors.invalid(`${path}.${field}`, given, problem))
  }
  check('apiVersion', apiVersion, (text) => (text.split('/').length > 2 ? `unexpected GroupVersion string: ${text}` : undefined))
  check('kind', kind, (text) => {
    const messages = dns1035Label(text.toLowerCase())
    return messages.length > 0 ? `may have mixed case, but should otherwise match: ${messages.join(',')}` : undefined
  })
  if (isObject(metadata)) {
    // Its types have been checked where it was decoded.
    const meta = metadata as ObjectMeta
    const named = meta.name ? meta : { ...meta, name: 'fakename' }
    const rules = { path: `${path}.metadata`, namespaced: Boolean(meta.namespace), validateName: pathSegmentName }
    errors.push(...validateObjectMeta(named, rules))
  }
  return errors
}
