/** For tests: an API server of this process, the sample API server, and the objects that make it part of the API. */
import { createTestApi, type TestApi } from '../../src/apiserver/test-api.ts'
import { type Send, sender } from '../../src/apiserver/test-requests.ts'
import { seededRandom } from '../../src/base/random.ts'
import { issueCertificate, newAuthority } from '../../src/platform/pki/certificate.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { type SampleApiServer, sampleGroup, startSampleApiServer } from './sample-api-server.ts'

export const sampleNamespace = 'aggregator'
export const sampleService = 'sample-api'
export const sampleName = `v1alpha1.${sampleGroup}`

const span = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2040, 0, 1) }
export const frontProxyCa = newAuthority({ commonName: 'front-proxy-ca', ...span })
const frontProxy = issueCertificate(frontProxyCa, { subject: { commonName: 'front-proxy-client' }, usages: ['client'], ...span })
const sampleCa = newAuthority({ commonName: 'sample-ca', ...span })
const host = `${sampleService}.${sampleNamespace}.svc`
const sampleCertificate = issueCertificate(sampleCa, { subject: { commonName: host }, usages: ['server'], hosts: [host], ...span })

export type SampleAggregation = {
  readonly testApi: TestApi
  readonly send: Send
  readonly sample: SampleApiServer
  /** Gives the sample's Service the address that it has. */
  putSlice(): Promise<void>
  close(): Promise<void>
}

export async function startSampleAggregation(options: { readonly withAdmission?: readonly string[] } = {}): Promise<SampleAggregation> {
  const testApi = await createTestApi({
    clock: systemClock,
    random: seededRandom(9),
    ...options,
    frontProxy: { certificate: frontProxy.cert, key: frontProxy.key },
    clientAuthorities: { clientCa: 'client-ca', frontProxyCa: frontProxyCa.cert },
  })
  const send = sender(testApi.api)
  await send('POST', '/api/v1/namespaces', { body: { metadata: { name: sampleNamespace } } })
  // The server learns whom to believe as aggregated servers do.
  const facts = (await send('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).json
  const data = facts.data as Record<string, string>
  const sample = await startSampleApiServer({
    ...sampleCertificate,
    frontProxyCa: data['requestheader-client-ca-file']!,
    allowedNames: JSON.parse(data['requestheader-allowed-names']!) as string[],
  })
  return {
    testApi,
    send,
    sample,
    // Straight into the store: an address of this machine's loopback is none that the API would take for an endpoint.
    putSlice: async () => {
      const slice = {
        kind: 'EndpointSlice',
        apiVersion: 'discovery.k8s.io/v1',
        metadata: {
          name: `${sampleService}-1`,
          namespace: sampleNamespace,
          uid: 'slice',
          labels: { 'kubernetes.io/service-name': sampleService },
        },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
        ports: [{ name: '', port: sample.port, protocol: 'TCP' }],
      }
      const key = `/registry/discovery.k8s.io/endpointslices/${sampleNamespace}/${sampleService}-1`
      await testApi.api.core.storage.put(key as never, slice, 'absent')
    },
    close: async () => {
      await testApi.api.close()
      await sample.close()
    },
  }
}

export const sampleApiService = () => ({
  metadata: { name: sampleName, labels: { 'sample-apiserver': 'true' } },
  spec: {
    group: sampleGroup,
    version: 'v1alpha1',
    groupPriorityMinimum: 2000,
    versionPriority: 200,
    service: { namespace: sampleNamespace, name: sampleService, port: 7443 },
    caBundle: Buffer.from(sampleCa.cert).toString('base64'),
  },
})
