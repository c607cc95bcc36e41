import { deepClone } from '../deep-clone.ts'
import { deepEqual } from '../deep-equal.ts'
import { StatusError, statusErrors } from '../status-error.ts'

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
  if (!Array.isArray(operations)) throw statusErrors.badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  if (operations.length > operationsMax)
    throw statusErrors.requestEntityTooLarge(`The allowed maximum operations in a JSON patch is ${operationsMax}, got ${operations.length}`)
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
      return add(document, path, deepClone(value), op)
    case 'remove':
      return void remove(document, path, op)
    case 'replace':
      return replace(document, path, deepClone(value))
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
  if (typeof operation !== 'object' || operation === null || Array.isArray(operation))
    throw statusErrors.badRequest('json: cannot unmarshal value into Go value of type jsonpatch.Operation')
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
    document.root = value
    return
  }
  const { container, key } = locate(document, path, 'replace')
  if (Array.isArray(container)) container[arrayIndex(key, container.length)] = value
  else setField(container, key, value)
}

function test(document: Document, path: string, expected: unknown): void {
  const actual = path === '' ? document.root : (read(document, path, 'test') ?? null)
  if (!deepEqual(actual, expected ?? null)) throw new PatchFailure(`testing value ${path} failed: test failed`)
}

function read(document: Document, path: string, op: string): unknown {
  const { container, key } = locate(document, path, op)
  if (Array.isArray(container)) return container[arrayIndex(key, container.length)]
  if (Object.hasOwn(container, key)) return container[key]
  if (op === 'copy') throw new PatchFailure(`error in copy for from: '${path}': missing value`)
  return undefined
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

function unprocessable(cause: Error): StatusError {
  return new StatusError(
    {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'the server rejected our request due to an error in our request',
      reason: 'Invalid',
      details: {},
      code: 422,
    },
    { cause },
  )
}
