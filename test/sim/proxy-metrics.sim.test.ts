import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Informer } from '../../src/client/informer-contract.ts'
import { triggerTimeAnnotation } from '../../src/control/trigger-times.ts'
import type { Service } from '../../src/kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../src/kinds/generated/types/discovery-v1.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { createProxy, type ProxyMachine } from '../../src/proxy/loop.ts'
import { ProxyMetrics } from '../../src/proxy/proxy-metrics.ts'
import { mapInformer } from '../integration/map-informer.ts'

const service: Service = {
  metadata: { name: 'web', namespace: 'd' },
  spec: {
    clusterIP: '10.96.0.20',
    clusterIPs: ['10.96.0.20'],
    ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }],
    type: 'ClusterIP',
  },
}
const slice = (address: string, triggered: string): EndpointSlice => ({
  metadata: {
    name: 'web-1',
    namespace: 'd',
    labels: { 'kubernetes.io/service-name': 'web' },
    annotations: { [triggerTimeAnnotation]: triggered },
  },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: [{ addresses: [address], nodeName: 'here', conditions: { ready: true } }],
})

test('rounds and the time from a change to the kernel are measured, and what the kernel refuses is counted and still due', async () => {
  const clock = virtualClock(1_000_000)
  const informers = new Map<string, Informer<KubeObject>>()
  const informer = (kind: { kind: string }) => {
    if (!informers.has(kind.kind)) informers.set(kind.kind, mapInformer())
    return informers.get(kind.kind)!
  }
  let refuses = false
  const machine: ProxyMachine = {
    nft: {
      apply: async () => {
        await new Promise<void>((resolve) => void clock.schedule(30, resolve))
        if (refuses) throw new Error('no')
      },
      list: async () => undefined,
    },
    ip: { batch: async () => {} } as unknown as ProxyMachine['ip'],
    forgetConnections: async () => {},
    allowLoopbackNodePorts: () => {},
  }
  const facts = { nodeName: 'here', nodeAddresses: ['192.168.0.1'], clusterCidr: '10.244.0.0/16', serviceCidrs: ['10.96.0.0/12'] }
  const metrics = new ProxyMetrics()
  const proxy = createProxy({
    ...{ context: { informer: informer as never }, clock, log: silentLog, machine, metrics },
    facts: { ...facts, localServiceAddresses: [] },
  })
  const stop = new AbortController()
  const done = proxy.run(stop.signal)
  const lines = () => new Set(metrics.text().split('\n'))
  const has = (line: string) => assert.ok(lines().has(line), `${line}\nis not in\n${metrics.text()}`)
  await clock.advance(1_000)
  const services = informer({ kind: 'Service' }) as ReturnType<typeof mapInformer<Service>>
  const slices = informer({ kind: 'EndpointSlice' }) as ReturnType<typeof mapInformer<EndpointSlice>>
  services.put(service)
  // Two seconds ago, but the proxy has only been there for one: not its delay.
  slices.put(slice('10.244.0.5', toTime(clock.now() - 2_000)))
  await clock.advance(1_000)
  has('kubeproxy_network_programming_duration_seconds_count 0')
  has('kubeproxy_sync_proxy_rules_duration_seconds_count 2')
  has('kubeproxy_sync_proxy_rules_duration_seconds_bucket{le="0.016"} 0')
  has('kubeproxy_sync_proxy_rules_duration_seconds_bucket{le="0.032"} 2')
  refuses = true
  slices.put(slice('10.244.0.6', toTime(clock.now())))
  await clock.advance(500)
  has('kubeproxy_sync_proxy_rules_nftables_sync_failures_total 1')
  has('kubeproxy_network_programming_duration_seconds_count 0')
  refuses = false
  await clock.advance(2_000)
  has('kubeproxy_network_programming_duration_seconds_bucket{le="0.5"} 0')
  has('kubeproxy_network_programming_duration_seconds_bucket{le="2"} 1')
  has('kubeproxy_sync_proxy_rules_service_changes_total 1')
  has('kubeproxy_sync_proxy_rules_endpoint_changes_total 2')
  stop.abort()
  await clock.advance(2_000)
  await done
})
