import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeFlagName } from '../../cli/node-flags.ts'
import { type NodeSettings, parseNodeSettings } from './node-settings.ts'

const none: NodeSettings = { labels: {}, taints: [], reserved: {}, thresholds: {}, maxPods: undefined }
type Given = Partial<Record<NodeFlagName, string>>

const reads = (given: Given, expected: Partial<NodeSettings>): void => {
  test(`reads ${JSON.stringify(given)}`, () => assert.deepEqual(parseNodeSettings(given), { ...none, ...expected }))
}
const refuses = (given: Given, message: RegExp): void => {
  test(`refuses ${JSON.stringify(given)}`, () => assert.throws(() => parseNodeSettings(given), { exitCode: 2, message }))
}

reads({}, {})
reads(
  { 'node-labels': 'disk=ssd,example.com/zone=,topology.kubernetes.io/zone=a' },
  {
    labels: { disk: 'ssd', 'example.com/zone': '', 'topology.kubernetes.io/zone': 'a' },
  },
)
reads(
  { 'register-with-taints': 'gpu=yes:NoSchedule,edge:NoExecute' },
  {
    taints: [
      { key: 'gpu', value: 'yes', effect: 'NoSchedule' },
      { key: 'edge', effect: 'NoExecute' },
    ],
  },
)
reads(
  { 'system-reserved': 'cpu=200m,memory=500Mi,ephemeral-storage=1Gi' },
  {
    reserved: { cpuMilli: 200, memoryBytes: 500 * 2 ** 20, ephemeralStorageBytes: 2 ** 30 },
  },
)
reads(
  { 'eviction-hard': 'memory.available<1Gi,nodefs.available<5%,pid.available<25%' },
  {
    thresholds: { memoryAvailableBytes: 2 ** 30, diskAvailableShare: 0.05, processShare: 0.75 },
  },
)
reads({ 'max-pods': '250' }, { maxPods: 250 })

refuses({ 'node-labels': 'a b=c' }, /^--node-labels a b=c: name part must consist/)
refuses({ 'node-labels': 'a=b=c' }, /write it as key=value/)
refuses({ 'register-with-taints': 'gpu' }, /key=value:Effect/)
refuses({ 'register-with-taints': 'gpu:Never' }, /an effect is NoSchedule/)
refuses({ 'system-reserved': 'cpu=lots' }, /like memory=500Mi/)
refuses({ 'system-reserved': 'gpu=1' }, /like memory=500Mi/)
refuses({ 'eviction-hard': 'nodefs.available<10Gi' }, /nodefs\.available<PERCENT%/)
refuses({ 'max-pods': '251' }, /from 1 to 250/)
