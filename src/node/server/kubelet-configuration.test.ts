import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evictionSettings } from '../eviction/thresholds.ts'
import { kubeletConfiguration } from './kubelet-configuration.ts'

test("a node's settings are in the form of upstream's /configz", () => {
  const { kubeletconfig } = kubeletConfiguration({
    server: { host: '0.0.0.0', port: 10_250 },
    files: undefined,
    maxPods: 60,
    taints: [{ key: 'a', effect: 'NoSchedule' }],
    shutdownPeriods: [{ priority: 0, seconds: 30 }],
    reserved: { cpuMilli: 500, memoryBytes: 2 ** 30, ephemeralStorageBytes: 0 },
    eviction: evictionSettings({ soft: { 'memory.available': { share: 0.125 } }, softGraceMs: { 'memory.available': 90_000 } }),
    imageGc: { highShare: 0.85, lowShare: 0.8, minAgeMs: 120_000 },
    leaseDurationSeconds: 40,
    statusCheckPeriodMs: 10_000,
    statusReportPeriodMs: 300_000,
    parallelPulls: 4,
    staticPodPath: '/etc/kubernetes/manifests',
  }) as { kubeletconfig: Record<string, unknown> }
  const told = (...names: string[]) => names.map((name) => kubeletconfig[name])
  assert.deepEqual(told('kind', 'apiVersion', 'port', 'maxPods'), ['KubeletConfiguration', 'kubelet.config.k8s.io/v1beta1', 10_250, 60])
  assert.deepEqual(told('nodeStatusUpdateFrequency', 'nodeStatusReportFrequency', 'imageMinimumGCAge'), ['10s', '5m0s', '2m0s'])
  assert.deepEqual(kubeletconfig.evictionHard, {
    'memory.available': '100Mi',
    'nodefs.available': '10%',
    'nodefs.inodesFree': '5%',
    'imagefs.available': '15%',
    'imagefs.inodesFree': '5%',
    'pid.available': '10%',
  })
  assert.deepEqual(told('evictionSoft', 'evictionSoftGracePeriod'), [{ 'memory.available': '12.5%' }, { 'memory.available': '1m30s' }])
  assert.equal(kubeletconfig.staticPodPath, '/etc/kubernetes/manifests')
  assert.equal(kubeletconfig.evictionPressureTransitionPeriod, '5m0s')
  assert.deepEqual(kubeletconfig.shutdownGracePeriodByPodPriority, [{ priority: 0, shutdownGracePeriodSeconds: 30 }])
  assert.deepEqual(kubeletconfig.systemReserved, { cpu: '500m', memory: '1Gi' })
  assert.deepEqual(kubeletconfig.registerWithTaints, [{ key: 'a', effect: 'NoSchedule' }])
})
