import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toMicroTime } from '../base/clock.ts'
import type { Lease } from '../kinds/generated/types/coordination-v1.ts'
import { forgottenLeases, livingServers, ServerAges, subsetsOf } from './api-server-endpoints.ts'

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

test('servers that are looked at again and again live by their renewals, whatever any clock says', () => {
  const ages = new ServerAges()
  const look = (monotonicMs: number, wallMs: number, leases: readonly Lease[]) =>
    ages.living(leases, { monotonicMs, wallMs }).map(({ address }) => address)
  const behind = (secondsAgo: number) => lease('behind', secondsAgo, '10.0.0.1:6443')
  assert.deepEqual(look(0, nowMs, [behind(100)]), [], 'nothing but its time says whether it lives')
  assert.deepEqual(look(10_000, nowMs, [behind(90)]), ['10.0.0.1'], 'it was renewed')
  assert.deepEqual(look(20_000, nowMs + 3600_000, [behind(90)]), ['10.0.0.1'], 'our clock was set forward')
  assert.deepEqual(look(39_999, nowMs - 3600_000, [behind(90)]), ['10.0.0.1'])
  assert.deepEqual(look(40_000, nowMs - 3600_000, [behind(90)]), [], 'no renewal for as long as the lease says')
  const ahead = lease('ahead', -100, '10.0.0.2:6443')
  assert.deepEqual(look(50_000, nowMs, [ahead]), ['10.0.0.2'])
  assert.deepEqual(look(80_000, nowMs, [ahead]), [], 'a time to come keeps no dead server')
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
