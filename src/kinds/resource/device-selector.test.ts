import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceClaim } from '../generated/types/resource-v1.ts'
import { createErrors } from '../kind-test-support.ts'
import { resourceClaims } from './resource-claim.ts'

const path = 'spec.devices.requests[0].exactly.selectors[0].cel.expression'

function check(title: string, expression: string, ...expected: readonly string[]): void {
  const exactly = { deviceClassName: 'c', selectors: [{ cel: { expression } }], count: 1, allocationMode: 'ExactCount' as const }
  const claim: ResourceClaim = { metadata: { name: 'x', namespace: 'd' }, spec: { devices: { requests: [{ name: 'r', exactly }] } } }
  void test(title, () => assert.deepEqual(createErrors(resourceClaims, claim), expected))
}

check('devices are selected by yes or no', 'device.attributes["d"].a > 1 || device.attributes["d"].b')
check(
  'an expression that is neither',
  'device.driver',
  `${path}: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string`,
)
check(
  'an expression that does not compile',
  'devices',
  `${path}: Invalid value: "devices": compilation failed: ERROR: <input>:1:1: undeclared reference to 'devices' (in container '')\n | devices\n | ^`,
)
const everyAttribute = (inner: string) => `device.attributes.all(d, device.attributes[d].all(k, ${inner}))`
check(
  'an expression that may cost too much',
  everyAttribute(everyAttribute(everyAttribute('d == k'))),
  `${path}: Forbidden: too complex, exceeds cost limit`,
)
