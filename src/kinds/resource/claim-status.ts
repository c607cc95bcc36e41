import { isIP } from 'node:net'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkEnum, checkRequired, type Errors } from '../checks.ts'
import { validateConditions } from '../conditions.ts'
import { validateNodeSelector } from '../core/pod-template/validate-placement.ts'
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimStatus,
} from '../generated/types/resource-v1.ts'
import { immutableValue } from '../internal-form.ts'
import { checkCsiDriverName } from '../storage/csi-driver-name.ts'
import { configMax, type RequestNames, requestNames, validateConfiguration, validateReference, validateReferences } from './device-claim.ts'
import { checkEach, checkLabelName, checkObject, checkPool, checkSet, checkShareId } from './device-names.ts'
import { validateBindingConditions } from './device.ts'

const reservedForMax = 256
const resultsMax = 32
const dataBytesMax = 10 * 1024
const conditionsMax = 8
const interfaceNameMax = 256
const hardwareAddressMax = 128
const ipsMax = 16

type DeviceId = Partial<Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device' | 'shareID'>>
const deviceText = ({ driver = '', pool = '', device = '', shareID }: DeviceId) =>
  [driver, pool, device, ...(shareID ? [shareID] : [])].join('/')
/** As upstream shows it. */
const shownDevice = ({ driver = '', pool = '', device = '', shareID = '' }: DeviceId) => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: shareID,
})

/** What drivers said of devices goes with the devices. */
export function dropDeallocated(claim: ResourceClaim, { status: old }: ResourceClaim): void {
  const { status } = claim
  if (!status?.devices) return
  const kept = new Set(status.allocation?.devices?.results?.map(deviceText))
  const gone = new Set((old?.allocation?.devices?.results ?? []).map(deviceText).filter((device) => !kept.has(device)))
  status.devices = status.devices.filter((device) => !gone.has(deviceText(device)))
  if (status.devices.length === 0) delete status.devices
}

export function validateClaimStatus(claim: ResourceClaim, { status: old = {} }: ResourceClaim): FieldError[] {
  const errors: FieldError[] = []
  const { metadata, spec, status = {} } = claim
  const { reservedFor, allocation, devices } = status
  const names = requestNames(spec?.devices)
  checkSet(errors, reservedFor, { path: 'status.reservedFor', max: reservedForMax, key: ({ uid }) => uid }, (all, at, consumer) => {
    for (const field of ['resource', 'name', 'uid'] as const) checkRequired(all, `${at}.${field}`, consumer[field])
  })
  const allocated = new Set(allocation?.devices?.results?.map(deviceText))
  checkSet(errors, devices, { path: 'status.devices', key: shownDevice }, (all, at, device) =>
    validateDeviceStatus(all, at, device, allocated),
  )
  if (reservedFor?.length) validateReservations(errors, status, old, metadata.deletionTimestamp !== undefined)
  if (old.allocation && allocation) errors.push(...immutableValue('AllocationResult', allocation, old.allocation, 'status.allocation'))
  else if (allocation) validateAllocation(errors, 'status.allocation', allocation, names)
  return errors
}

function validateReservations(errors: Errors, status: ResourceClaimStatus, old: ResourceClaimStatus, isDeleted: boolean): void {
  const path = 'status.reservedFor'
  if (!status.allocation) errors.push(fieldErrors.forbidden(path, 'may not be specified when `allocated` is not set'))
  else if (isDeleted && status.reservedFor?.some((one) => !old.reservedFor?.some((known) => deepEqual(known, one))))
    errors.push(fieldErrors.forbidden(path, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'))
}

function validateAllocation(errors: Errors, path: string, { devices, nodeSelector }: AllocationResult, names: RequestNames): void {
  checkEach(errors, devices?.results, { path: `${path}.devices.results`, max: resultsMax }, (all, at, result) =>
    validateResult(all, at, result, names),
  )
  checkEach(errors, devices?.config, { path: `${path}.devices.config`, max: 2 * configMax }, (all, at, config) => {
    checkEnum(all, `${at}.source`, config.source, ['FromClaim', 'FromClass'])
    validateReferences(all, `${at}.requests`, config.requests, names)
    validateConfiguration(all, at, config.opaque)
  })
  if (nodeSelector) validateNodeSelector(errors, nodeSelector, `${path}.nodeSelector`)
}

function validateResult(errors: Errors, path: string, result: DeviceRequestAllocationResult, names: RequestNames): void {
  validateReference(errors, `${path}.request`, result.request ?? '', names)
  checkDevice(errors, path, result)
  validateBindingConditions(errors, path, result)
  if (result.shareID !== undefined) checkShareId(errors, `${path}.shareID`, result.shareID)
}

function checkDevice(errors: Errors, path: string, { driver, pool, device }: DeviceId): void {
  checkCsiDriverName(errors, `${path}.driver`, driver)
  checkPool(errors, `${path}.pool`, pool)
  checkLabelName(errors, `${path}.device`, device)
}

function validateDeviceStatus(errors: Errors, path: string, status: AllocatedDeviceStatus, allocated: ReadonlySet<string>): void {
  const { conditions, data, networkData, shareID } = status
  checkDevice(errors, path, status)
  if (shareID !== undefined) checkShareId(errors, `${path}.shareID`, shareID)
  if (!allocated.has(deviceText(status)))
    errors.push(fieldErrors.invalid(path, shownDevice(status), 'must be an allocated device in the claim'))
  if ((conditions?.length ?? 0) > conditionsMax) errors.push(fieldErrors.tooMany(`${path}.conditions`, conditions!.length, conditionsMax))
  validateConditions(errors, conditions ?? [], `${path}.conditions`)
  if (data !== undefined && data !== null) checkObject(errors, `${path}.data`, data, dataBytesMax)
  if (networkData) validateNetwork(errors, `${path}.networkData`, networkData)
}

function validateNetwork(errors: Errors, path: string, { interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData): void {
  if (Buffer.byteLength(interfaceName) > interfaceNameMax)
    errors.push(fieldErrors.tooLong(`${path}.interfaceName`, interfaceName, interfaceNameMax))
  if (Buffer.byteLength(hardwareAddress) > hardwareAddressMax)
    errors.push(fieldErrors.tooLong(`${path}.hardwareAddress`, hardwareAddress, hardwareAddressMax))
  checkSet(errors, ips, { path: `${path}.ips`, max: ipsMax, key: (ip) => ip }, checkInterfaceAddress)
}

/** An address with the size of its network. */
function checkInterfaceAddress(errors: Errors, path: string, value: string): void {
  const [, given = '', size = ''] = /^([^/]+)\/(\d+)$/.exec(value) ?? []
  const ip = /^[\d.]+$/.test(given) ? given.split('.').map(Number).join('.') : given
  const family = isIP(ip)
  if (family === 0 || ip.includes('%') || Number(size) > (family === 4 ? 32 : 128)) {
    errors.push(fieldErrors.invalid(path, value, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'))
    return
  }
  const canonical = `${family === 4 ? ip : new URL(`http://[${ip}]`).hostname.slice(1, -1)}/${Number(size)}`
  if (canonical !== value) errors.push(fieldErrors.invalid(path, value, `must be in canonical form ("${canonical}")`))
}
