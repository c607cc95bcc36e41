import { goKind, goString, goText } from '../go-text.ts'
import { statusErrors } from '../status-error.ts'

/**
 * What a strategic merge patch is refused with, in upstream's words. Those that upstream answers with 500 (all but the first two groups)
 * are the client's faults: 400 where the patch is malformed in itself, 422 where it does not fit the object.
 */

const types: Readonly<Record<string, string>> = { map: 'map[string]interface {}', slice: '[]interface {}', nil: '%!s(<nil>)' }
const typeOf = (value: unknown) => types[goKind(value)] ?? goKind(value)

const { badRequest, unprocessable } = statusErrors

export const faults = {
  badRetainKeys: () => badRequest('invalid patch format of retainKeys'),
  badElementOrder: () => badRequest('invalid patch format of setElementOrder list'),
  badDeletions: () => badRequest('invalid patch format of primitive list'),

  /** Upstream's server says no more of it. */
  noListsOfLists: () =>
    unprocessable('the server rejected our request due to an error in our request', {
      cause: new Error('lists of lists are not supported'),
    }),

  noObject: (value: unknown) =>
    badRequest(`json: cannot unmarshal ${Array.isArray(value) ? 'array' : goKind(value)} into Go value of type map[string]interface {}`),
  noList: (value: unknown) => badRequest(`expected a []interface {}, but received a ${typeOf(value)}`),
  unknownDirective: (mode: unknown, patch: unknown) => badRequest(`unknown patch type: ${goString(mode)} in map: ${goText(patch)}`),
  outOfOrder: (patch: unknown, order: unknown) =>
    badRequest(`The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`),

  emptyLists: () => unprocessable('no elements in any of the given slices'),
  differentElements: (lists: unknown) => unprocessable(`list element types are not identical: ${goText(lists)}`),
  cannotMergeItems: () => unprocessable('merging lists cannot yet be specified in the patch'),
  noItem: (value: unknown) => unprocessable(`expected a map[string]interface {}, but received a ${typeOf(value)}`),
  noItemAt: (at: number) => unprocessable(`value for key ${at} is not a map`),
  noMergeKey: (item: unknown, mergeKey: string) => unprocessable(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`),
  notMergeable: (itemType: string) => unprocessable(`cannot merge lists without merge key for ${itemType}`),
  /** Upstream's server falls over it. */
  notComparable: () => unprocessable('cannot compare the items of a list without merge key'),
  noStruct: () => unprocessable('merging an object in json but data type is not struct, instead is: map'),
  unknownField: (field: string, struct: string) =>
    unprocessable(`unable to find api field in struct ${struct} for the json field ${JSON.stringify(field)}`),
}
