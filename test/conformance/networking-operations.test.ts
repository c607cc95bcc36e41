import { after, test } from 'node:test'
import { checkApiOperations } from './api-operations.ts'
import { startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())
const namespace = await conformance.namespace('networking')

const group = 'networking.k8s.io'

test('EndpointSlice should support creating EndpointSlice API operations', () =>
  checkApiOperations(conformance, {
    group: 'discovery.k8s.io',
    version: 'v1',
    plural: 'endpointslices',
    namespace,
    make: (name) => ({
      metadata: { name },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['1.2.3.4', '5.6.7.8'] }, { addresses: ['2.2.3.4', '6.6.7.8'] }],
    }),
  }))

test('Ingress API should support creating Ingress API operations', () =>
  checkApiOperations(conformance, {
    group,
    version: 'v1',
    plural: 'ingresses',
    namespace,
    make: (name) => ({
      metadata: { name },
      spec: { defaultBackend: { service: { name: 'test-backend', port: { number: 8080 } } } },
    }),
    status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
  }))

test('IngressClass API should support creating IngressClass API operations', () =>
  checkApiOperations(conformance, {
    group,
    version: 'v1',
    plural: 'ingressclasses',
    make: (name) => ({ metadata: { name }, spec: { controller: 'example.com/controller' } }),
  }))

test('ServiceCIDR and IPAddress API should support IPAddress API operations', () =>
  checkApiOperations(conformance, {
    group,
    version: 'v1',
    plural: 'ipaddresses',
    names: ['192.168.6.2', '192.168.6.3', '192.168.6.4'],
    make: (name) => ({ metadata: { name }, spec: { parentRef: { group: '', resource: 'services', name: 'foo', namespace } } }),
  }))

test('ServiceCIDR and IPAddress API should support ServiceCIDR API operations', () =>
  checkApiOperations(conformance, {
    group,
    version: 'v1',
    plural: 'servicecidrs',
    make: (name) => ({ metadata: { name }, spec: { cidrs: [`10.${name.slice(-1)}.0.0/24`] } }),
    status: {
      conditions: [
        { type: 'Ready', status: 'False', reason: 'Test', message: 'set by a test', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
    },
  }))
