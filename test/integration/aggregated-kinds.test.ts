/** A server's own loops look after the kinds of an aggregated API server, with the rights that they have. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { KindRef } from '../../src/kinds/kind.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { issueCertificate, newAuthority } from '../../src/platform/pki/certificate.ts'
import { type SampleApiServer, sampleGroup, startSampleApiServer } from '../conformance/sample-api-server.ts'
import { eventually, freePort, type ServerProcess, startServerProcess } from './server-process.ts'

const flunders: KindRef = { group: sampleGroup, version: 'v1alpha1', kind: 'Flunder', plural: 'flunders', scope: 'Namespaced' }
const span = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2040, 0, 1) }
const dataDir = mkdtempSync(join(tmpdir(), 'keelson-'))
let server: ServerProcess
let sample: SampleApiServer

before(async () => {
  server = await startServerProcess({ dataDir, port: await freePort(), args: ['--runtime', 'fake', '--nodes', '1'] })
  const { clientset } = server
  // The first objects are there a moment after the API.
  const { data } = await eventually('the facts for aggregated servers', () =>
    clientset.coreV1().configMaps('kube-system').get('extension-apiserver-authentication'),
  )
  const authority = newAuthority({ commonName: 'sample-ca', ...span })
  const host = 'sample.default.svc'
  sample = await startSampleApiServer({
    ...issueCertificate(authority, { subject: { commonName: host }, usages: ['server'], hosts: [host], ...span }),
    frontProxyCa: data!['requestheader-client-ca-file']!,
    allowedNames: JSON.parse(data!['requestheader-allowed-names']!) as string[],
  })
  // Loopback is no address that a Service's endpoints may have.
  await clientset
    .coreV1()
    .services('default')
    .create({ metadata: { name: 'sample' }, spec: { type: 'ExternalName', externalName: 'localhost' } })
  await clientset
    .apiregistrationV1()
    .apiServices()
    .create({
      metadata: { name: `v1alpha1.${sampleGroup}` },
      spec: {
        group: sampleGroup,
        version: 'v1alpha1',
        groupPriorityMinimum: 2000,
        versionPriority: 200,
        service: { namespace: 'default', name: 'sample', port: sample.port },
        caBundle: Buffer.from(authority.cert).toString('base64'),
      },
    })
})
after(async () => {
  await server.stop()
  await sample.close()
  rmSync(dataDir, { recursive: true })
})

test('they are collected with their owners and counted by quotas', async () => {
  const { client, clientset } = server
  const resource = client.resource(flunders, 'default')
  const maps = clientset.coreV1().configMaps('default')
  const quotas = clientset.coreV1().resourceQuotas('default')
  const counted = `count/flunders.${sampleGroup}`
  await quotas.create({ metadata: { name: 'q' }, spec: { hard: { [counted]: '5' } } })
  const { uid = '' } = (await maps.create({ metadata: { name: 'owner' } })).metadata
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }]
  await eventually('the kind is served', () => resource.create({ metadata: { name: 'owned', ownerReferences } }))
  const used = (amount: string) =>
    eventually(`${amount} of it`, async () => (await quotas.get('q')).status?.used?.[counted] === amount || undefined)
  await used('1')
  await maps.delete('owner')
  await used('0')
  await assert.rejects(resource.get('owned'), (error) => isStatus(error, 'NotFound'))
})
