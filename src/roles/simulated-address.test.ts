import assert from 'node:assert/strict'
import { isIPv4 } from 'node:net'
import { test } from 'node:test'
import { isSimulatedAddress, simulatedAddress } from './simulated-address.ts'

test('each node has an address of its own that an endpoint may have', () => {
  const addresses = Array.from({ length: 70_000 }, (_, number) => simulatedAddress(number))
  assert.equal(new Set(addresses).size, addresses.length)
  assert.deepEqual([0, 254, 255, 65_535, 131_069].map(simulatedAddress), [
    '198.18.0.1',
    '198.18.0.255',
    '198.18.1.0',
    '198.19.0.0',
    '198.19.255.254',
  ])
  for (const address of addresses) assert.ok(isIPv4(address) && isSimulatedAddress(address), address)
  assert.ok(!isSimulatedAddress('198.20.0.1') && !isSimulatedAddress('10.244.0.1'))
})
