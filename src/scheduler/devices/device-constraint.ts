import type { DeviceAttribute, DeviceConstraint } from '../../kinds/generated/types/resource-v1.ts'
import type { PooledDevice } from './device-pools.ts'

/** A rule over several devices of a claim, while the search adds and removes them. Once it says no, more devices do not make it a yes. */
export type ConstraintState = {
  /** Takes the device in if the rule still holds then. Devices of requests that it does not name pass. */
  readonly add: (request: string, device: PooledDevice) => boolean
  /** The last one added, by the same request. */
  readonly remove: (request: string) => void
  /** The value that any further device of the request must have; undefined: none is settled. */
  readonly settled: (request: string) => AttributeValue | undefined
  readonly text: string
}

export type AttributeValue = { readonly attribute: string; readonly value: string }

/** `request` is `name` or `name/alternative`; a constraint that names a request means all of its alternatives. */
export function constraintState({ matchAttribute, distinctAttribute, requests = [] }: DeviceConstraint): ConstraintState {
  const attribute = matchAttribute ?? distinctAttribute ?? ''
  const concerns = (request: string) => requests.length === 0 || requests.includes(request) || requests.includes(request.split('/')[0]!)
  const values: string[] = []
  return {
    text: `${matchAttribute === undefined ? 'distinctAttribute' : 'matchAttribute'} ${attribute}`,
    add: (request, device) => {
      if (!concerns(request)) return true
      const value = attributeText(device, attribute)
      if (value === undefined) return false
      const isAllowed = matchAttribute === undefined ? !values.includes(value) : values.length === 0 || values[0] === value
      if (isAllowed) values.push(value)
      return isAllowed
    },
    remove: (request) => {
      if (concerns(request)) values.pop()
    },
    settled: (request) =>
      matchAttribute !== undefined && values.length > 0 && concerns(request) ? { attribute, value: values[0]! } : undefined,
  }
}

/** The attribute's type and value as one text; undefined where the device does not have it. */
export function attributeText({ device: { attributes }, pool }: PooledDevice, name: string): string | undefined {
  const isOfDriver = name.startsWith(`${pool.driver}/`)
  const attribute = attributes?.[name] ?? (isOfDriver ? attributes?.[name.slice(pool.driver.length + 1)] : undefined)
  return attribute && scalarText(attribute)
}

function scalarText({ string, int, bool, version }: DeviceAttribute): string | undefined {
  if (string !== undefined) return `string ${string}`
  if (int !== undefined) return `int ${int}`
  if (bool !== undefined) return `bool ${bool}`
  return version === undefined ? undefined : `version ${version}`
}
