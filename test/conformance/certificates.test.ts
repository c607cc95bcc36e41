import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { newSigningRequest } from '../../src/platform/pki/signing-request.ts'
import { checkApiOperations } from './api-operations.ts'
import { changed, startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())

const make = (name: string) => ({
  metadata: { name },
  spec: {
    request: Buffer.from(newSigningRequest({ commonName: 'e2e-example-com' }).request).toString('base64'),
    signerName: 'example.com/e2e-test',
    usages: ['client auth'],
    expirationSeconds: 3600,
  },
})

const at0 = '2026-01-01T00:00:00Z'

test('Certificates API should support CSR API operations', async () => {
  await checkApiOperations(conformance, {
    group: 'certificates.k8s.io',
    version: 'v1',
    plural: 'certificatesigningrequests',
    make,
    subresources: ['approval'],
    status: {
      conditions: [
        { type: 'Issuing', status: 'True', reason: 'Test', message: 'set by a test', lastUpdateTime: at0, lastTransitionTime: at0 },
      ],
    },
  })
  const requests = conformance.collection('/apis/certificates.k8s.io/v1/certificatesigningrequests')
  const created = await requests.create(make('approval'))
  assert.equal(at(created, 'spec.username'), 'test')
  const condition = (type: string) => ({ type, status: 'True', reason: 'E2E', message: 'approved by a test' })
  const approved = await requests.merge('approval/approval', { status: { conditions: [condition('Approved')] } })
  assert.equal(at(approved, 'status.conditions.0.type'), 'Approved')
  const updated = await requests.replace(
    'approval/approval',
    changed(approved, { 'status.conditions': [...(at(approved, 'status.conditions') as TestJson[]), condition('Custom')] }),
  )
  assert.equal(at(updated, 'status.conditions.1.type'), 'Custom')
  assert.equal(at(await requests.get('approval/approval'), 'status.conditions.1.type'), 'Custom')
  const certificate = Buffer.from('-----BEGIN CERTIFICATE-----\nZHVtbXk=\n-----END CERTIFICATE-----\n').toString('base64')
  const issued = await requests.merge('approval/status', { status: { certificate } })
  assert.equal(at(issued, 'status.certificate'), certificate)
  assert.equal(at(issued, 'status.conditions.0.type'), 'Approved')
  assert.equal(at(await requests.get('approval/status'), 'status.certificate'), certificate)
})
