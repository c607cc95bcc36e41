import type { Device, DeviceClass, ExactDeviceRequest, ResourceClaim, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'

/** Small builders of devices and claims for tests. */
export const driver = 'gpu.example.com'

export type SliceInput = Partial<ResourceSlice['spec']> & {
  readonly name: string
  /** The pool, and the node that alone reaches it. */
  readonly on?: string
}

export function testSlice({ name, on, ...spec }: SliceInput): ResourceSlice {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name, uid: `uid-${name}`, resourceVersion: '1' },
    spec: { driver, pool: { name: on ?? name, generation: 1, resourceSliceCount: 1 }, ...(on ? { nodeName: on } : {}), ...spec },
  }
}

export const testDevice = (name: string, memory = '40Gi', more: Partial<Device> = {}): Device => ({
  name,
  attributes: { model: { string: 'a100' }, index: { int: Number(name.replace(/\D/g, '') || 0) }, driverVersion: { version: '1.2.3' } },
  capacity: { memory: { value: memory } },
  ...more,
})

export const testClass = (
  name: string,
  expression = `device.driver == "${driver}"`,
  more: Partial<DeviceClass['spec']> = {},
): DeviceClass => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name },
  spec: { selectors: [{ cel: { expression } }], ...more },
})

/** A request for one device of class gpu, unless it says otherwise. */
export const exactly = (more: Partial<ExactDeviceRequest> = {}): ExactDeviceRequest => ({
  deviceClassName: 'gpu',
  allocationMode: 'ExactCount',
  ...(more.allocationMode === 'All' ? {} : { count: 1 }),
  ...more,
})

export const selecting = (...expressions: readonly string[]) => ({ selectors: expressions.map((expression) => ({ cel: { expression } })) })

export const testClaim = (name: string, devices: NonNullable<ResourceClaim['spec']['devices']>): ResourceClaim => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1' },
  spec: { devices },
})
