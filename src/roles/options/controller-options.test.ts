import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readApiSettings, readControllerSettings, readSigningMs } from './controller-options.ts'
import { createFlagReader, type FlagValues } from './flag-reader.ts'

const read = async (values: FlagValues) => {
  const flags = createFlagReader(values)
  return { ...readApiSettings(flags), ...(await readControllerSettings(flags)), signingMs: readSigningMs(flags) }
}

test('what no flag names is left to those who use it', async () =>
  assert.deepEqual(await read({}), { tolerationSeconds: {}, nodes: { eviction: {} }, autoscaling: {}, signingMs: undefined }))

const good: readonly (readonly [flags: FlagValues, settings: object])[] = [
  [{ 'service-node-port-range': '20000-20999' }, { nodePorts: { min: 20_000, max: 20_999 } }],
  [{ 'service-node-port-range': '20000+9' }, { nodePorts: { min: 20_000, max: 20_009 } }],
  [{ 'service-node-port-range': '8080' }, { nodePorts: { min: 8_080, max: 8_080 } }],
  [{ 'max-requests-inflight': '100' }, { inflightMax: 300 }],
  [{ 'max-requests-inflight': '100', 'max-mutating-requests-inflight': '50' }, { inflightMax: 150 }],
  [{ 'default-not-ready-toleration-seconds': '30' }, { tolerationSeconds: { notReady: 30 } }],
  [{ 'terminated-pod-gc-threshold': '0' }, { terminatedPodsMax: 0 }],
  [{ 'event-ttl': '2h' }, { eventTtlMs: 7_200_000 }],
  [{ 'node-cidr-mask-size': '26' }, { nodeMaskBits: 26 }],
  [
    {
      'node-monitor-grace-period': '20s',
      'node-eviction-rate': '.5',
      'unhealthy-zone-threshold': '1',
      'large-cluster-size-threshold': '5',
    },
    { nodes: { graceMs: 20_000, eviction: { perSecond: 0.5, unhealthyShare: 1, smallZoneMax: 5 } } },
  ],
  [
    { 'horizontal-pod-autoscaler-sync-period': '5s', 'horizontal-pod-autoscaler-tolerance': '0.05' },
    { autoscaling: { periodMs: 5_000, tolerance: 0.05 } },
  ],
  [{ controllers: ['*', '-cronjob,-ttl-after-finished-controller'] }, { controllers: ['*', '-cronjob', '-ttl-after-finished-controller'] }],
  [{ 'cluster-signing-duration': '24h' }, { signingMs: 86_400_000 }],
]
for (const [flags, settings] of good)
  test(`takes ${JSON.stringify(flags)}`, async () => assert.deepEqual(await read(flags), { ...(await read({})), ...settings }))

const bad: readonly (readonly [flags: FlagValues, message: RegExp])[] = [
  [{ 'service-node-port-range': '3000-2000' }, /end port cannot be less than start port: 3000-2000/],
  [{ 'service-node-port-range': '1-70000' }, /the port range cannot be greater than 65535: 1-70000/],
  [{ 'service-node-port-range': 'a-b' }, /unable to parse port range: a-b/],
  [{ 'service-node-port-range': '0-9' }, /port 0 is no port/],
  [{ 'max-requests-inflight': '0', 'max-mutating-requests-inflight': '0' }, /some request must be let in/],
  [{ controllers: ['*', '-foo'] }, /"-foo" is not in the list of known controllers/],
  [{ 'node-monitor-grace-period': '5s' }, /at least 20s/],
  [{ 'unhealthy-zone-threshold': '1.5' }, /a share from 0 to 1/],
  [{ 'node-eviction-rate': '-1' }, /a number that is not negative/],
  [{ 'max-endpoints-per-slice': '1001' }, /a whole number from 1 to 1000/],
  [{ 'node-cidr-mask-size': '30' }, /a whole number from 16 to 28/],
  [{ 'horizontal-pod-autoscaler-sync-period': '0' }, /at least 1s/],
  [{ 'cluster-signing-duration': '1m' }, /at least 10m/],
  [{ 'feature-gates': ['Foo=true'] }, /unrecognized feature gate: Foo/],
]
for (const [flags, message] of bad) test(`refuses ${JSON.stringify(flags)}`, () => assert.rejects(() => read(flags), message))
