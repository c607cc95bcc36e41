/** APIServices. */
import { type Case, clusterWide, creations, merged, titled, updates } from '../upstream-case.ts'

const services = clusterWide('apiregistration.k8s.io/v1', 'apiservices')
const base = {
  metadata: { name: 'v1.upstream.example.com' },
  spec: { group: 'upstream.example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10 },
}
const remote = merged(base, { spec: { service: { namespace: 'upstream-none', name: 's' }, insecureSkipTLSVerify: true } }) as typeof base
const spec = (value: object) => ({ spec: value })
const named = (name: string, value: object) => ({ metadata: { name }, spec: value })

export const cases: readonly Case[] = [
  ...titled(
    'local',
    creations(services, base, {
      'the least': {},
      'no spec': { spec: null },
      'another name': { metadata: { name: 'v2.upstream.example.com' } },
      'a group that is none': named('v1.Up_stream', { group: 'Up_stream' }),
      'a version that is none': named('V_1.upstream.example.com', { version: 'V_1' }),
      'no version': named('.upstream.example.com', { version: null }),
      'no group': named('v1.', { group: null }),
      'no group and another version': named('v2.', { group: null, version: 'v2' }),
      'priorities of nothing': spec({ groupPriorityMinimum: null, versionPriority: null }),
      'priorities that are high': spec({ groupPriorityMinimum: 20_001, versionPriority: 1001 }),
      'a certificate': spec({ caBundle: 'eA==' }),
      'not verified': spec({ insecureSkipTLSVerify: true }),
    }),
  ),
  ...titled(
    'remote',
    creations(services, remote, {
      'the least': {},
      'a service without anything': spec({ service: { namespace: null, name: null } }),
      'a certificate and not verified': spec({ caBundle: 'eA==' }),
      'a certificate that is none': spec({ caBundle: 'eA==', insecureSkipTLSVerify: null }),
      'a port that is none': spec({ service: { port: 70_000 } }),
      'a status that is given': { status: { conditions: [{ type: 'Available', status: 'True' }] } },
    }),
  ),
  ...titled(
    'changed',
    updates(services, base, { 'other priorities': spec({ versionPriority: 11 }), 'another group': spec({ group: 'x.example.com' }) }),
  ),
]
