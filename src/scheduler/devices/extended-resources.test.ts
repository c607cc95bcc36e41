import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { DeviceClass } from '../../kinds/generated/types/resource-v1.ts'
import { testPod } from '../core/fixtures.ts'
import { classesByResource, extendedRequests } from './extended-resources.ts'
import { testClass } from './fixtures.ts'

const gpu = testClass('gpu', 'true', { extendedResourceName: 'example.com/gpu' })
const container = (name: string, requests: Readonly<Record<string, string>>, more: Partial<Container> = {}): Container => ({
  name,
  image: 'app',
  resources: { requests: { ...requests } },
  ...more,
})
const podOf = (init: readonly Container[], containers: readonly Container[]): Pod =>
  testPod({ name: 'p', spec: { initContainers: [...init], containers: [...containers] } })

/** `request=class×count`, then `container/resource→request`. */
function check(title: string, pod: Pod, expected: string, resources: readonly string[] = ['example.com/gpu']): void {
  void test(title, () => {
    const { requests, mappings } = extendedRequests(pod, resources, (name) => classesByResource([gpu, testClass('nic')]).get(name))
    const asked = requests.map((r) => `${r.name}=${r.exactly!.deviceClassName}×${r.exactly!.count}`)
    const used = mappings.map((m) => `${m.containerName}→${m.requestName}`)
    assert.equal(`${asked.join(' ')} | ${used.join(' ')}`, expected)
  })
}

check(
  'each container asks for its own devices; the request is named by the places of container and resource',
  podOf([], [container('a', { cpu: '1', 'example.com/gpu': '2' }), container('b', { 'example.com/gpu': '1' })]),
  'container-0-request-1=gpu×2 container-1-request-0=gpu×1 | a→container-0-request-1 b→container-1-request-0',
)
check(
  'an init container that ends uses the devices of those that come after it, and asks for what is missing',
  podOf([container('i', { 'example.com/gpu': '3' })], [container('a', { 'example.com/gpu': '2' })]),
  'container-0-request-0=gpu×1 container-1-request-0=gpu×2 | a→container-1-request-0 i→container-1-request-0 i→container-0-request-0',
)
check(
  'of several init containers that end the one that asks for most asks for all',
  podOf([container('i', { 'example.com/gpu': '1' }), container('j', { 'example.com/gpu': '2' })], [container('a', {})]),
  'container-1-request-0=gpu×2 | i→container-1-request-0 j→container-1-request-0',
)
check(
  'a sidecar keeps its devices',
  podOf([container('s', { 'example.com/gpu': '1' }, { restartPolicy: 'Always' })], [container('a', { 'example.com/gpu': '1' })]),
  'container-0-request-0=gpu×1 container-1-request-0=gpu×1 | s→container-0-request-0 a→container-1-request-0',
)
check(
  'every class has a resource by its own name',
  podOf([], [container('a', { 'deviceclass.resource.kubernetes.io/nic': '1' })]),
  'container-0-request-0=nic×1 | a→container-0-request-0',
  ['deviceclass.resource.kubernetes.io/nic'],
)

test('of classes with one resource name the newest serves it, then the first by name', () => {
  const made = (name: string, creationTimestamp: string): DeviceClass => ({ ...gpu, metadata: { name, creationTimestamp } })
  const chosen = (...classes: readonly DeviceClass[]) => classesByResource(classes).get('example.com/gpu')?.metadata.name
  const [older, newer, twin] = [made('z', '2026-01-01T00:00:00Z'), made('y', '2026-01-02T00:00:00Z'), made('a', '2026-01-02T00:00:00Z')]
  assert.deepEqual([chosen(older, newer), chosen(newer, older), chosen(newer, twin), chosen(twin, newer)], ['y', 'y', 'a', 'a'])
})
