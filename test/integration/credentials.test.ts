/** Credentials that the cluster gives out, with the roles that its loops really have. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { bootstrapSecret } from '../../src/cli/token.ts'
import { newSigningRequest } from '../../src/platform/pki/signing-request.ts'
import { startCluster } from '../../src/roles/embedded.ts'

const cluster = await startCluster({ nodes: 0 })
await cluster.controlPlane.ready
after(() => cluster.close())
const core = cluster.clientset.coreV1()

/** A condition is waited for, not a time. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function asToken(
  bearerToken: string,
  method: string,
  url: string,
  body?: object,
): Promise<{ code: number; json: { message: string } }> {
  const response = await cluster.controlPlane.api.handle({
    method,
    url,
    headers: { 'content-type': 'application/json' },
    body: body && Buffer.from(JSON.stringify(body)),
    credentials: { clientCertificate: undefined, bearerToken },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  })
  assert(response.body instanceof Uint8Array)
  return { code: response.code, json: JSON.parse(Buffer.from(response.body).toString()) as { message: string } }
}

const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'

function nodeRequest(name: string) {
  const { request } = newSigningRequest({ commonName: 'system:node:new', organizations: ['system:nodes'] })
  const usages = ['digital signature', 'client auth']
  const spec = { request: Buffer.from(request).toString('base64'), signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages }
  return { metadata: { name }, spec }
}

test("a machine with a bootstrap token gets its client certificate approved; somebody else's request waits", async () => {
  const expiresAtMs = Date.now() + 3_600_000
  await core.secrets('kube-system').create(bootstrapSecret({ id: 'abcdef', secret: '0123456789abcdef', expiresAtMs }))
  await core.serviceAccounts('default').create({ metadata: { name: 'robot' } })
  await cluster.clientset
    .rbacV1()
    .clusterRoleBindings()
    .create({
      metadata: { name: 'robot-asks' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node-bootstrapper' },
      subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }],
    })
  const annotations = { 'kubernetes.io/service-account.name': 'robot' }
  await core.secrets('default').create({ metadata: { name: 'robot', annotations }, type: 'kubernetes.io/service-account-token' })
  const secret = await until(async () => (await core.secrets('default').get('robot')).data?.token)
  const robot = Buffer.from(secret ?? '', 'base64').toString()
  const strange = await until(async () => {
    const answer = await asToken(robot, 'POST', requests, nodeRequest('strange'))
    return answer.code === 403 ? undefined : answer
  })
  assert.equal(strange.code, 201, strange.json.message)
  const asked = await until(async () => {
    const answer = await asToken('abcdef.0123456789abcdef', 'POST', requests, nodeRequest('new'))
    return answer.code === 401 ? undefined : answer
  })
  assert.equal(asked.code, 201, asked.json.message)
  const csr = cluster.clientset.certificatesV1().certificateSigningRequests()
  const condition = await until(async () => (await csr.get('new')).status?.conditions?.[0])
  assert.deepEqual([condition.type, condition.reason], ['Approved', 'AutoApproved'])
  assert.equal(condition.message, 'Auto approving kubelet client certificate after SubjectAccessReview.')
  assert.equal((await csr.get('strange')).status?.conditions, undefined)
  const label = 'kubernetes.io/legacy-token-last-used'
  const used = await until(async () => (await core.secrets('default').get('robot')).metadata.labels?.[label])
  assert.match(used ?? '', /^\d{4}-\d\d-\d\d$/)
})

test('a token in a Secret ends with its account', async () => {
  const token = Buffer.from((await core.secrets('default').get('robot')).data?.token ?? '', 'base64').toString()
  assert.equal((await asToken(token, 'GET', '/api')).code, 200)
  await core.serviceAccounts('default').delete('robot')
  await until(async () => ((await core.secrets('default').list()).items.length === 0 ? true : undefined))
  assert.equal((await asToken(token, 'GET', '/api')).code, 401)
})
