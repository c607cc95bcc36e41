import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import { hostNetworkHostsFile, podHostsFile } from './etc-hosts.ts'
import { parseResolvConf, podDns } from './pod-dns.ts'
import { podHostname, sandboxSpecOf } from './sandbox-spec.ts'

const podOf = (spec: Partial<PodSpec>, name = 'p'): Pod => ({
  metadata: { name, namespace: 'ns', uid: 'u' },
  spec: { containers: [{ name: 'c' }], ...spec },
})
const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' }
const host = parseResolvConf('# a comment\nnameserver 192.0.2.1\nsearch home.test\noptions timeout:2\n')
const own = ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local']

const resolvers: readonly { title: string; spec: Partial<PodSpec>; expected: unknown }[] = [
  {
    title: 'pods ask the cluster first',
    spec: {},
    expected: { servers: ['10.96.0.10'], searches: [...own, 'home.test'], options: ['ndots:5'] },
  },
  { title: 'pods in the host network ask as the host does', spec: { hostNetwork: true }, expected: host },
  {
    title: 'pods in the host network may ask the cluster',
    spec: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
    expected: { servers: ['10.96.0.10'], searches: [...own, 'home.test'], options: ['ndots:5'] },
  },
  { title: "the host's way is taken when asked for", spec: { dnsPolicy: 'Default' }, expected: host },
  {
    title: 'a pod may say it all itself',
    spec: {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['192.0.2.9'], searches: ['x.test'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] },
    },
    expected: { servers: ['192.0.2.9'], searches: ['x.test'], options: ['ndots:2', 'edns0'] },
  },
  {
    title: "a pod's own options replace those of the policy",
    spec: { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } },
    expected: { servers: ['10.96.0.10'], searches: [...own, 'home.test'], options: ['ndots:1'] },
  },
]
for (const { title, spec, expected } of resolvers) test(title, () => assert.deepEqual(podDns(podOf(spec), cluster, host), expected))

test('the hosts file names the pod and its aliases', () => {
  const text = podHostsFile({
    podIps: ['10.244.0.9'],
    hostname: 'web',
    domain: 'sub.ns.svc.cluster.local',
    aliases: [{ ip: '192.0.2.7', hostnames: ['a', 'b'] }],
  })
  assert.ok(text.includes('\n10.244.0.9\tweb.sub.ns.svc.cluster.local\tweb\n'))
  assert.ok(text.endsWith('\n\n# Entries added by HostAliases.\n192.0.2.7\ta\tb\n'))
  assert.equal(hostNetworkHostsFile('127.0.0.1 localhost', []), '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n')
})

test('a hostname is cut to what a kernel takes', () => {
  assert.equal(podHostname(podOf({}, `${'x'.repeat(62)}-yyy`)), 'x'.repeat(62))
  assert.equal(podHostname(podOf({ hostname: 'own' })), 'own')
})

test("the sandbox has the pod's ports, and no name of its own in the host network", () => {
  const input = { attempt: 0, logDirectory: '/l', cgroupParent: '/c', dns: host, clusterDomain: 'cluster.local', runtimeHandler: '' }
  const ports = [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }]
  const spec = sandboxSpecOf({ pod: podOf({ containers: [{ name: 'c', ports }] }), ...input })
  assert.deepEqual(spec.portMappings, [{ protocol: 'TCP', containerPort: 80, hostPort: 8080, hostIp: '' }])
  assert.equal(sandboxSpecOf({ pod: podOf({ hostNetwork: true }), ...input }).hostname, '')
})
