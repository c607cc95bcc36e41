import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toMicroTime } from '../base/clock.ts'
import type { Lease } from '../kinds/generated/types/coordination-v1.ts'
import { forgottenLeases, livingServers, subsetsOf } from './api-server-endpoints.ts'

const nowMs = Date.UTC(2026, 0, 1)
const lease = (name: string, secondsAgo: number, address?: string): Lease => ({
  metadata: { name, ...(address ? { annotations: { 'keelson.dev/apiserver-address': address } } : {}) },
  spec: { holderIdentity: name, leaseDurationSeconds: 30, renewTime: toMicroTime(nowMs - secondsAgo * 1000) },
})

test('servers live while their leases do, each address once and in a fixed order', () => {
  const leases = [
    lease('b', 5, '10.0.0.2:6443'),
    lease('a', 5, '10.0.0.1:6443'),
    lease('again', 1, '10.0.0.2:6443'),
    lease('dead', 31, '10.0.0.3:6443'),
  ]
  assert.deepEqual(livingServers([...leases, lease('silent', 1)], nowMs), [
    { address: '10.0.0.1', port: 6443 },
    { address: '10.0.0.2', port: 6443 },
  ])
})

test('servers are joined by the port that they listen on', () => {
  const servers = [
    { address: '10.0.0.1', port: 6443 },
    { address: '10.0.0.2', port: 6443 },
    { address: '10.0.0.3', port: 7443 },
  ]
  assert.deepEqual(
    subsetsOf(servers).map(({ addresses, ports }) => [addresses.map(({ ip }) => ip), ports.map(({ port }) => port)]),
    [
      [['10.0.0.1', '10.0.0.2'], [6443]],
      [['10.0.0.3'], [7443]],
    ],
  )
})

test('leases of servers that were killed are forgotten after an hour', () => {
  assert.deepEqual(forgottenLeases([lease('alive', 5), lease('dead', 3000), lease('long', 3631)], nowMs), ['long'])
})
