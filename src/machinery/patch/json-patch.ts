import { deepClone } from '../deep-clone.ts'
import { deepEqual } from '../deep-equal.ts'
import { goKind } from '../go-text.ts'
import { statusErrors } from '../status-error.ts'

/**
 * JSON patch (RFC 6902) as the API server applies it. All or nothing: the argument is never changed.
 *
 * Upstream's habits that differ from the RFC are kept: `replace` of a missing field of an object sets it, and a negative
 * index counts from the end. Every failure of an operation is one 422 whose message says no more than upstream's; the
 * reason is its `cause`.
 */

const operationsMax = 10_000

export type JsonPatchOperation = { readonly op: string; readonly path: string; readonly from?: string; readonly value?: unknown }

/** Why one operation could not be applied. */
class PatchFailure extends Error {
  override name = 'PatchFailure'
}

/** Throws StatusError: 400 for a patch that is none, 413 for more than 10,000 operations, 422 when an operation does not apply. */
export function applyJsonPatch<T>(object: T, operations: unknown): T {
  if (operations === null) return object
  if (!Array.isArray(operations)) throw notAList(operations, 'jsonpatch.Patch')
  if (operations.length > operationsMax)
    throw statusErrors.requestEntityTooLarge(`The allowed maximum operations in a JSON patch is ${operationsMax}, got ${operations.length}`)
  for (const operation of operations)
    if (operation !== null && (typeof operation !== 'object' || Array.isArray(operation))) throw notAList(operation, 'jsonpatch.Operation')
  const document = { root: deepClone(object) as unknown }
  try {
    for (const operation of operations) applyOperation(document, readOperation(operation))
  } catch (error) {
    if (error instanceof PatchFailure) throw unprocessable(error)
    throw error
  }
  return document.root as T
}

type Document = { root: unknown }
type Container = Record<string, unknown> | unknown[]

function applyOperation(document: Document, operation: JsonPatchOperation): void {
  const { op, path, value } = operation
  switch (op) {
    case 'add':
      return add(document, path, deepClone(value ?? null), op)
    case 'remove':
      return void remove(document, path, op)
    case 'replace':
      return replace(document, path, deepClone(value ?? null))
    case 'move': {
      const from = source(operation)
      return add(document, path, remove(document, from, op), op)
    }
    case 'copy':
      return add(document, path, deepClone(read(document, source(operation), op)), op)
    case 'test':
      return test(document, path, value)
    default:
      throw new PatchFailure(`Unexpected kind: ${op}`)
  }
}

function readOperation(operation: unknown): JsonPatchOperation {
  if (operation === null) throw new PatchFailure('Unexpected kind: unknown')
  const { op, path } = operation as Record<string, unknown>
  if (typeof path !== 'string') throw new PatchFailure(`${String(op)} operation failed to decode path: missing value`)
  return operation as JsonPatchOperation
}

function source({ op, from }: JsonPatchOperation): string {
  if (typeof from !== 'string') throw new PatchFailure(`${op} operation failed to decode from: missing value`)
  return from
}

function add(document: Document, path: string, value: unknown, op: string): void {
  const { container, key } = locate(document, path, op)
  if (!Array.isArray(container)) return setField(container, key, value)
  if (key === '-') return void container.push(value)
  container.splice(arrayIndex(key, container.length + 1), 0, value)
}

function remove(document: Document, path: string, op: string): unknown {
  const { container, key } = locate(document, path, op)
  if (Array.isArray(container)) return container.splice(arrayIndex(key, container.length), 1)[0]
  if (!Object.hasOwn(container, key))
    throw new PatchFailure(`error in ${op} for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`)
  const value = container[key]
  delete container[key]
  return value
}

function replace(document: Document, path: string, value: unknown): void {
  if (path === '') {
    if (!isContainer(value)) throw new PatchFailure('replace operation value must be object or array')
    document.root = value
    return
  }
  const { container, key } = locate(document, path, 'replace')
  if (Array.isArray(container)) container[arrayIndex(key, container.length)] = value
  else setField(container, key, value)
}

function test(document: Document, path: string, expected: unknown): void {
  const actual = path === '' ? document.root : read(document, path, 'test')
  if (!deepEqual(actual, expected ?? null)) throw new PatchFailure(`testing value ${path} failed: test failed`)
}

function read(document: Document, path: string, op: string): unknown {
  const { container, key } = locate(document, path, op)
  if (Array.isArray(container)) return container[arrayIndex(key, container.length)]
  // Upstream copies and tests what is not there as null.
  return Object.hasOwn(container, key) ? container[key] : null
}

/** The container that holds the last step of a path, and that step. */
function locate(document: Document, path: string, op: string): { container: Container; key: string } {
  const steps = path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const missing = () => new PatchFailure(`${op} operation does not apply: doc is missing path: "${path}": missing value`)
  if (steps.length < 2) throw missing()
  let at = document.root
  for (const step of steps.slice(1, -1)) {
    if (Array.isArray(at)) at = at[arrayIndex(step, at.length)]
    else if (isContainer(at) && Object.hasOwn(at, step)) at = (at as Record<string, unknown>)[step]
    else throw missing()
  }
  if (!isContainer(at)) throw missing()
  return { container: at, key: steps.at(-1)! }
}

function arrayIndex(key: string, length: number): number {
  if (!/^[+-]?\d+$/.test(key)) throw new PatchFailure(`value was not a proper array index: '${key}'`)
  const index = Number(key)
  const positive = index < 0 ? index + length : index
  if (positive < 0 || positive >= length) throw new PatchFailure(`Unable to access invalid index: ${key}: invalid index referenced`)
  return positive
}

function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null
}

const unprocessable = (cause: Error) =>
  statusErrors.unprocessable('the server rejected our request due to an error in our request', { cause })

const jsonNames: Readonly<Record<string, string>> = { int64: 'number', float64: 'number', slice: 'array', map: 'object' }
const jsonName = (value: unknown) => jsonNames[goKind(value)] ?? goKind(value)

const cannotUnmarshal = (value: unknown, into: string) => `json: cannot unmarshal ${jsonName(value)} into Go ${into}`
const notAList = (value: unknown, type: string) => statusErrors.badRequest(cannotUnmarshal(value, `value of type ${type}`))

const members: ReadonlySet<string> = new Set(['op', 'path', 'from', 'value'])

/**
 * What a strict reader finds in a JSON patch: what it cannot be read as at all (`fault`), else members of operations that there are
 * not, as `[0].why`.
 */
export function inspectJsonPatch(patch: unknown): { readonly fault?: string; readonly unknown: readonly string[] } {
  if (patch === null) return { unknown: [] }
  if (!Array.isArray(patch)) return { fault: cannotUnmarshal(patch, 'value of type []handlers.jsonPatchOp'), unknown: [] }
  const unknown: string[] = []
  for (const [i, operation] of patch.entries()) {
    if (operation === null) continue
    if (typeof operation !== 'object' || Array.isArray(operation))
      return { fault: cannotUnmarshal(operation, 'value of type handlers.jsonPatchOp'), unknown: [] }
    for (const [member, value] of Object.entries(operation)) {
      if (!members.has(member)) unknown.push(`[${i}].${member}`)
      else if (member !== 'value' && value !== null && typeof value !== 'string')
        return { fault: cannotUnmarshal(value, `struct field jsonPatchOp.${member} of type string`), unknown: [] }
    }
  }
  return { unknown }
}
