import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import type { CertificateSigningRequestSpec } from '../../../../src/kinds/generated/types/certificates-v1.ts'
import type { Scenario } from '../scenario.ts'

/** Of `CN=system:node:n, O=system:nodes`, for a key that nobody has. */
const request =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIcU1JR1JBZ0VBTUM4eEZUQVRCZ05WQkFvTURITjVjM1JsYlRwdWIyUmxjekVXTUJRR0ExVUVBd3dOYzNsegpkR1Z0T201dlpHVTZiakJaTUJNR0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSEEwSUFCSk1wcmZLaTV5SlF6MXczCkNPbVdIMWU5MHFCV1hRSUMycjNOeGlYTzVuZnhjWXJSSmVRNUUxaEFMRXVqRG9EQ1BDaEtCSmNOSGFobHZxQmoKZVJuQ0QxV2dBREFLQmdncWhrak9QUVFEQWdOSUFEQkZBaUVBMU1ZQUU3Rjk5N0pFamlHRmFIMUNPRUh5NE9UeAo0ZU9rZXZIVjhhUUxXWjRDSUVSazZvclppRGN3b0J2ZEtiQU1uTjcyMG43ZkRXWFBlY1g3anowaytmY0MKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=='

const asking =
  (signerName: string, usages: NonNullable<CertificateSigningRequestSpec['usages']>): Scenario =>
  async ({ clientset, namespace, also }) => {
    await clientset
      .certificatesV1()
      .certificateSigningRequests()
      .create({ metadata: { name: namespace }, spec: { request, signerName, usages } })
    also(kindRefs.certificatesV1.certificateSigningRequests, namespace)
  }

/** Requests for certificates: which are approved without anybody. */
export const certificateScenarios: Readonly<Record<string, Scenario>> = {
  'certificate-of-a-node': asking('kubernetes.io/kube-apiserver-client-kubelet', ['client auth', 'digital signature']),
  'certificate-of-a-node-for-more': asking('kubernetes.io/kube-apiserver-client-kubelet', ['client auth', 'server auth']),
  'certificate-of-a-client': asking('kubernetes.io/kube-apiserver-client', ['client auth', 'digital signature']),
}
