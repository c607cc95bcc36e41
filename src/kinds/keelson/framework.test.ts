import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Framework, type FrameworkSpec, frameworks } from './framework.ts'
import { type Offer, offers } from './offer.ts'

/** Bodies as clients may send them: types are not checked before. */
function errorsOf(spec: unknown): readonly string[] {
  const framework: Framework = { metadata: { name: 'f' }, spec: spec as FrameworkSpec }
  frameworks.applyDefaults!(framework)
  return frameworks.validate!(framework).map((e) => `${e.field}: ${e.message}`)
}

test('a framework needs nothing but its name', () => {
  const framework: Framework = { metadata: { name: 'f' } }
  frameworks.applyDefaults!(framework)
  assert.deepEqual(frameworks.validate!(framework), [])
  assert.deepEqual(framework.spec, {
    ...{ weight: 1, schedulerName: 'f', minResources: { cpu: '100m', memory: '32Mi' } },
    ...{ offersMax: 100, offerTimeoutSeconds: 30, leaseDurationSeconds: 15 },
  })
})

test('what makes no sense is told with its field', () => {
  assert.deepEqual(errorsOf({ weight: 0 }), ['spec.weight: Invalid value: 0: must be between 1 and 1000, inclusive'])
  assert.deepEqual(errorsOf({ weight: '2' }), ['spec.weight: Invalid value: "2": must be an integer'])
  assert.deepEqual(errorsOf({ offerTimeoutSeconds: 3_601 }), [
    'spec.offerTimeoutSeconds: Invalid value: 3601: must be between 1 and 3600, inclusive',
  ])
  assert.deepEqual(errorsOf({ schedulerName: 'default-scheduler' }), [
    'spec.schedulerName: Invalid value: "default-scheduler": its pods must not be for the default scheduler',
  ])
  assert.deepEqual(errorsOf({ minResources: 'much' }), ['spec.minResources: Invalid value: "much": must be quantities by resource name'])
  assert.deepEqual(errorsOf({ maxResources: { cpu: '-1' } }), [
    'spec.maxResources[cpu]: Invalid value: "-1": must be greater than or equal to 0',
  ])
  assert.deepEqual(errorsOf({ nodeSelector: { pool: 1 } }), ['spec.nodeSelector: Invalid value: {"pool":1}: must be texts by name'])
})

test('an offer is what it was made as, and a declined one stays declined', () => {
  const spec = { frameworkName: 'f', nodeName: 'n', resources: { cpu: '1' }, expirationTime: '2026-01-01T00:00:00Z' }
  const offer: Offer = { metadata: { name: 'o' }, spec }
  assert.deepEqual(offers.validate!(offer), [])
  const incomplete = offers.validate!({ metadata: { name: 'o' }, spec: { expirationTime: 'soon' } } as unknown as Offer)
  assert.deepEqual(
    incomplete.map((e) => e.field),
    ['spec.frameworkName', 'spec.nodeName', 'spec.resources', 'spec.expirationTime'],
  )
  assert.deepEqual(
    offers.validateUpdate!({ ...offer, spec: { ...spec, nodeName: 'm' } }, offer).map((e) => e.field),
    ['spec'],
  )
  const declined: Offer = { ...offer, status: { phase: 'Declined' } }
  assert.deepEqual(offers.validateStatusUpdate!(declined, offer), [])
  assert.deepEqual(
    offers.validateStatusUpdate!(offer, declined).map((e) => e.message),
    ['Forbidden: a declined offer is not opened again'],
  )
})
