import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeFlagName } from '../../cli/node-flags.ts'
import { type NodeSettings, parseNodeSettings } from './node-settings.ts'

const none: NodeSettings = {
  labels: {},
  taints: [],
  reserved: {},
  eviction: {},
  maxPods: undefined,
  manifestPath: undefined,
  shutdownPeriods: [],
}
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
    eviction: { hard: { 'memory.available': { amount: 2 ** 30 }, 'nodefs.available': { share: 0.05 }, 'pid.available': { share: 0.25 } } },
  },
)
reads(
  { 'shutdown-grace-period': '1m', 'shutdown-grace-period-critical-pods': '20s' },
  {
    shutdownPeriods: [
      { priority: 0, seconds: 40 },
      { priority: 2_000_000_000, seconds: 20 },
    ],
  },
)
reads(
  { 'shutdown-grace-period-by-pod-priority': '0=60,100000=20' },
  {
    shutdownPeriods: [
      { priority: 0, seconds: 60 },
      { priority: 100_000, seconds: 20 },
    ],
  },
)
refuses({ 'shutdown-grace-period': '10s', 'shutdown-grace-period-critical-pods': '20s' }, /no more than --shutdown-grace-period/)
refuses({ 'shutdown-grace-period': '10s', 'shutdown-grace-period-by-pod-priority': '0=60' }, /either this or --shutdown-grace-period/)
refuses({ 'shutdown-grace-period-by-pod-priority': 'high=60' }, /PRIORITY=SECONDS/)
reads({ 'max-pods': '250' }, { maxPods: 250 })
reads({ 'pod-manifest-path': '/etc//kubernetes/manifests/' }, { manifestPath: '/etc/kubernetes/manifests' })
refuses({ 'pod-manifest-path': 'manifests' }, /the absolute path of a folder/)

refuses({ 'node-labels': 'a b=c' }, /^--node-labels a b=c: name part must consist/)
refuses({ 'node-labels': 'a=b=c' }, /write it as key=value/)
refuses({ 'register-with-taints': 'gpu' }, /key=value:Effect/)
refuses({ 'register-with-taints': 'gpu:Never' }, /an effect is NoSchedule/)
refuses({ 'system-reserved': 'cpu=lots' }, /like memory=500Mi/)
refuses({ 'system-reserved': 'gpu=1' }, /like memory=500Mi/)
reads(
  {
    'eviction-hard': 'nodefs.available<10Gi,nodefs.inodesFree<0%',
    'eviction-soft': 'memory.available<1.5Gi,imagefs.inodesFree<20%',
    'eviction-soft-grace-period': 'memory.available=1m30s,imagefs.inodesFree=30s',
    'eviction-max-pod-grace-period': '60',
    'eviction-minimum-reclaim': 'nodefs.available=1Gi,imagefs.available=5%',
    'eviction-pressure-transition-period': '30s',
  },
  {
    eviction: {
      hard: { 'nodefs.available': { amount: 10 * 2 ** 30 }, 'nodefs.inodesFree': { share: 0 } },
      soft: { 'memory.available': { amount: 1.5 * 2 ** 30 }, 'imagefs.inodesFree': { share: 0.2 } },
      softGraceMs: { 'memory.available': 90_000, 'imagefs.inodesFree': 30_000 },
      minimumReclaim: { 'nodefs.available': { amount: 2 ** 30 }, 'imagefs.available': { share: 0.05 } },
      maxPodGraceSeconds: 60,
      pressureTransitionMs: 30_000,
    },
  },
)
refuses({ 'eviction-hard': 'nodefs.free<10%' }, /give one of memory\.available, .* as SIGNAL<QUANTITY or a percentage/)
refuses({ 'eviction-hard': 'nodefs.available=10%' }, /nodefs\.available=10%/)
refuses({ 'eviction-soft': 'memory.available<1Gi' }, /say with --eviction-soft-grace-period how long memory\.available may last/)
refuses({ 'eviction-soft-grace-period': 'memory.available=soon' }, /as SIGNAL=DURATION/)
refuses({ 'eviction-pressure-transition-period': '30' }, /a duration like 30s/)
refuses({ 'eviction-max-pod-grace-period': '1m' }, /a whole number of seconds/)
refuses({ 'max-pods': '251' }, /from 1 to 250/)
