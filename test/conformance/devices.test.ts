import { after, test } from 'node:test'
import { checkApiOperations } from './api-operations.ts'
import { startConformanceApi } from './conformance-api.ts'

/** Dynamic resource allocation: its four kinds as objects. */
const conformance = await startConformanceApi()
after(() => conformance.close())
const namespace = await conformance.namespace('devices')
const ofGroup = { group: 'resource.k8s.io', version: 'v1' } as const
const requests = [{ name: 'req-0', exactly: { deviceClassName: 'my-class' } }]

test('CRUD Tests resource.k8s.io/v1 DeviceClass', () =>
  checkApiOperations(conformance, { ...ofGroup, plural: 'deviceclasses', make: (name) => ({ metadata: { name } }) }))

test('CRUD Tests resource.k8s.io/v1 ResourceClaim', () =>
  checkApiOperations(conformance, {
    ...ofGroup,
    plural: 'resourceclaims',
    namespace,
    make: (name) => ({ metadata: { name }, spec: { devices: { requests } } }),
    status: {
      allocation: { devices: { results: [{ request: 'req-0', driver: 'driver.example.com', pool: 'pool', device: 'dev-0' }] } },
    },
  }))

test('CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate', () =>
  checkApiOperations(conformance, {
    ...ofGroup,
    plural: 'resourceclaimtemplates',
    namespace,
    make: (name) => ({ metadata: { name }, spec: { spec: { devices: { requests } } } }),
  }))

test('CRUD Tests resource.k8s.io/v1 ResourceSlice', () =>
  checkApiOperations(conformance, {
    ...ofGroup,
    plural: 'resourceslices',
    make: (name) => ({
      metadata: { name },
      spec: {
        nodeName: 'dummy',
        driver: 'driver.example.com',
        pool: { name: 'pool', generation: 1, resourceSliceCount: 1 },
        devices: [{ name: 'dev-0' }],
      },
    }),
  }))
