import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { certificateSigningRequests } from '../../kinds/certificates/certificate-signing-request.ts'
import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'
import type { PolicyRule } from '../../kinds/generated/types/rbac-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { newSigningRequest } from '../../platform/pki/signing-request.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createRbacAuthorizer, createRbacIndex } from '../authz/rbac-authorizer.ts'
import { superuserAuthorizer, unionAuthorizer } from '../authz/union-authorizer.ts'
import { createTestApi } from '../test-api.ts'

const group = 'certificates.k8s.io'
const certificate = Buffer.from('-----BEGIN CERTIFICATE-----\nZHVtbXk=\n-----END CERTIFICATE-----\n').toString('base64')
const signer = 'kubernetes.io/kube-apiserver-client'

const request = (organizations: readonly string[] = []): CertificateSigningRequest => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name: 'r' },
  spec: {
    signerName: signer,
    usages: ['client auth', 'digital signature'],
    request: Buffer.from(newSigningRequest({ commonName: 'ann', organizations }).request).toString('base64'),
    username: 'somebody else',
    groups: ['system:masters'],
  },
})

/** An API whose user ann may write requests and their subresources, and has `rights` on signers. */
async function setUp(rights: readonly PolicyRule[]) {
  const index = createRbacIndex()
  const writes: PolicyRule = {
    verbs: ['*'],
    apiGroups: [group],
    resources: ['certificatesigningrequests', 'certificatesigningrequests/approval', 'certificatesigningrequests/status'],
  }
  index.setRole({ metadata: { name: 'ann' }, rules: [writes, ...rights] }, false)
  index.setBinding(
    { metadata: { name: 'ann' }, roleRef: { apiGroup: '', kind: 'ClusterRole', name: 'ann' }, subjects: [{ kind: 'User', name: 'ann' }] },
    false,
  )
  const { api } = await createTestApi({
    clock: virtualClock(),
    random: seededRandom(1),
    authorizer: unionAuthorizer([superuserAuthorizer, createRbacAuthorizer(index)]),
  })
  const requests = api
    .clientFor({ name: 'ann', groups: ['system:authenticated'] })
    .resource(certificateSigningRequests as KindRef<CertificateSigningRequest>)
  return { api, requests }
}

const right = (verb: string, name: string): PolicyRule => ({
  verbs: [verb],
  apiGroups: [group],
  resources: ['signers'],
  resourceNames: [name],
})

const cases: readonly {
  readonly title: string
  readonly rights: readonly PolicyRule[]
  readonly verb: 'approve' | 'sign'
  readonly allowed: boolean
}[] = [
  { title: 'approve without a right on the signer', rights: [], verb: 'approve', allowed: false },
  { title: 'approve with a right on another signer', rights: [right('approve', 'example.com/x')], verb: 'approve', allowed: false },
  { title: 'approve with the right on the signer', rights: [right('approve', signer)], verb: 'approve', allowed: true },
  { title: "approve with the right on the signer's domain", rights: [right('approve', 'kubernetes.io/*')], verb: 'approve', allowed: true },
  { title: 'sign with the right to approve', rights: [right('approve', signer)], verb: 'sign', allowed: false },
  { title: 'sign with the right to sign', rights: [right('sign', signer)], verb: 'sign', allowed: true },
]

describe('a user who may write certificate requests', () => {
  for (const { title, rights, verb, allowed } of cases) {
    it(`${allowed ? 'may' : 'may not'} ${title}`, async () => {
      const { api, requests } = await setUp(rights)
      const created = structuredClone(await requests.create(request()))
      const act =
        verb === 'approve'
          ? requests.subresource(
              'r',
              'approval',
              { ...created, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Test', message: '' }] } },
              { method: 'PUT' },
            )
          : requests.updateStatus({ ...created, status: { certificate } })
      if (allowed) await act
      else
        await assert.rejects(
          act,
          (error) =>
            error instanceof StatusError &&
            error.code === 403 &&
            error.message.includes(`not permitted to ${verb} requests with signerName "${signer}"`),
        )
      await api.close()
    })
  }

  it('is named by the server, not by the request', async () => {
    const { api, requests } = await setUp([])
    const { spec } = await requests.create(request())
    assert.deepEqual([spec.username, spec.groups], ['ann', ['system:authenticated']])
    await api.close()
  })

  it('cannot ask for the superusers group', async () => {
    const { api, requests } = await setUp([])
    await assert.rejects(requests.create(request(['system:masters'])), /signer with system:masters group is not allowed/)
    await api.close()
  })
})
