import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFeatureGates, featureMetrics } from './feature-gates.ts'

test('what is always on may be said', () => checkFeatureGates(['SidecarContainers=true', 'WatchList=1', 'AllAlpha=false', 'AllBeta=true']))

const refused: readonly (readonly [gate: string, message: string])[] = [
  ['SidecarContainers', 'missing bool value for SidecarContainers'],
  ['SidecarContainers=on', 'invalid value of SidecarContainers=on, err: strconv.ParseBool: parsing "on": invalid syntax'],
  ['SidecarContainers=false', 'cannot set feature gate SidecarContainers to false, feature is locked to true'],
  ['AllAlpha=true', 'cannot set feature gate AllAlpha to true, feature is locked to false'],
  ['Foo=true', 'unrecognized feature gate: Foo'],
]
for (const [gate, message] of refused) test(`refuses ${gate}`, () => assert.throws(() => checkFeatureGates([gate]), { message }))

test('what is on is told as upstream tells it', () => {
  const text = featureMetrics()
  assert.match(text, /^kubernetes_feature_enabled\{name="SidecarContainers",stage=""\} 1$/m)
  assert.match(text, /^kubernetes_feature_enabled\{name="WatchList",stage="BETA"\} 1$/m)
})
