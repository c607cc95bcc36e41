import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createServiceAccountTokens } from '../../apiserver/authn/service-account-tokens.ts'
import { createTestApi } from '../../apiserver/test-api.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ConfigMap, Pod, Volume } from '../../kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { podDirectories } from '../host/pod-directories.ts'
import { PersistentVolumes } from './persistent-volumes.ts'
import { PodVolumes } from './pod-volumes.ts'
import { ServiceAccountTokens } from './service-account-tokens.ts'

const directory = mkdtempSync(join(tmpdir(), 'keelson-pod-volumes-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const clock = virtualClock()
const random = seededRandom(1)
const keys = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const issuer = createServiceAccountTokens({ ...keys, clock, random, lookup: () => undefined })
const { api, client } = await createTestApi({ clock, random, tokens: issuer })
after(() => api.close())
await client
  .resource(kindRefs.coreV1.serviceAccounts, 'default')
  .create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } })

const roots = { root: directory, logs: join(directory, 'logs'), memory: join(directory, 'memory') }
let shown: ConfigMap = { metadata: { name: 'conf' }, data: { key: 'one' } }
const volumes = new PodVolumes({
  ...{ roots, clock, log: silentLog, canMount: false, imageViews: undefined },
  onSetUp: () => {},
  objects: { configMap: async () => shown, secret: async () => undefined },
  tokens: new ServiceAccountTokens({ client, clock }),
  persistent: new PersistentVolumes({ client, clock, random, log: silentLog, directory, node: () => undefined }),
  fields: () => ({ podIps: [], hostIps: [], nodeName: 'n1', allocatable: {} }),
})

const token: Volume = { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 600 } }] } }
const conf: Volume = { name: 'conf', configMap: { name: 'conf' } }

function podOf(name: string, ...list: Volume[]): Promise<Pod> {
  const spec = { serviceAccountName: 'default', containers: [{ name: 'c', image: 'x' }], volumes: list }
  return client.resource(kindRefs.coreV1.pods, 'default').create({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec })
}

/** Resolves when what was begun for the pod's volumes has ended; nothing is renewed any more afterwards. */
const settled = (pod: Pod) => volumes.setUp({ ...pod, spec: { containers: [] } })

test('a token is renewed in its place after four fifths of its life, and the old one still holds', async () => {
  const pod = await podOf('renewed', token)
  await volumes.setUp(pod)
  const path = volumes.path(pod, token)
  const read = () => readFileSync(join(path, 'token'), 'utf8')
  const [first, place] = [read(), readlinkSync(join(path, '..data'))]
  await clock.advance(479_000)
  assert.equal(read(), first)
  await clock.advance(2_000)
  await settled(pod)
  assert.notEqual(read(), first)
  assert.notEqual(readlinkSync(join(path, '..data')), place)
  const expiresAt = (text: string) => JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString()).exp * 1000 - clock.now()
  assert.deepEqual([expiresAt(first) > 100_000, expiresAt(read()) > 580_000], [true, true])
})

test('a pod that is torn down while its files are renewed leaves neither files nor a time to renew them', async () => {
  const pod = await podOf('gone', token, conf)
  const directories = podDirectories(roots, { uid: pod.metadata.uid!, namespace: 'default', name: 'gone' })
  const before = clock.pendingTimers()
  await volumes.setUp(pod)
  void volumes.refresh(pod)
  await volumes.tearDown(directories, pod.metadata.uid!)
  assert.equal(clock.pendingTimers(), before)
  assert.deepEqual([existsSync(directories.volumes), existsSync(directories.memory)], [false, false])
})

test('one thing at a time writes the files of a pod: what is shown is whole, and the newest', async () => {
  const pod = await podOf('busy', conf)
  const works: Promise<void>[] = []
  for (const value of ['two', 'three', 'four', 'five']) {
    shown = { metadata: { name: 'conf' }, data: { key: value, [value]: value } }
    works.push(volumes.setUp(pod), volumes.refresh(pod))
  }
  await Promise.all(works)
  const path = volumes.path(pod, conf)
  assert.equal(readFileSync(join(path, 'key'), 'utf8'), 'five')
  assert.deepEqual(
    readdirSync(path).filter((name) => !name.startsWith('..')),
    ['five', 'key'],
  )
  assert.equal(readdirSync(path).filter((name) => name.startsWith('..2')).length, 1)
})
