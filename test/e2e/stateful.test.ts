// The stateful example on real containers: names that stay, peers found by DNS, state that survives its pods.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { serveStore } from '../../examples/stateful/images.ts'
import type { TestRegistry } from '../../scripts/images/registry.ts'
import { docBlocks } from '../tidy/doc-blocks.ts'
import { eventually, startCluster, type TestCluster } from './cluster.ts'

/** The first serves the images, which is done here by hand. */
const blocks = docBlocks('examples/stateful/README.md', 'sh')
const manifest = 'examples/stateful/store.yaml'
let cluster: TestCluster
let registry: TestRegistry

before(async () => {
  cluster = await startCluster({ runtime: 'containerd' })
  registry = await serveStore({ listen: '127.0.0.1', port: 0, dataDir: cluster.dataDir })
})

after(async () => {
  await cluster?.down()
  await registry?.close()
})

const json = async <T>(args: readonly string[]) => JSON.parse((await cluster.kubectl([...args, '-o', 'json'])).stdout) as T
type PodItem = { metadata: { name: string; uid: string; labels: Record<string, string> } }
const pods = async () => (await json<{ items: PodItem[] }>(['get', 'pods', '-l', 'app.kubernetes.io/name=store'])).items
const rolledOut = () => cluster.kubectl(['rollout', 'status', 'statefulset/store', '--timeout=150s'])
const get = async (pod: string, url: string) => (await cluster.kubectl(['exec', pod, '--', 'wget', '-qO-', url])).stdout
const set = (pod: string, key: string, value: string) =>
  cluster.kubectl(['exec', pod, '--', 'wget', '-qO-', `--post-data=${value}`, `http://store-client/keys/${key}`])

test('its pods come up in order under their names', async () => {
  const { stdout } = await cluster.sh(blocks[1]!.text)
  assert.match(stdout, /"value":"oak","from":"store-1"/)
  const all = await pods()
  assert.deepEqual(all.map(({ metadata }) => metadata.name).sort(), ['store-0', 'store-1', 'store-2'])
  assert.equal(all.find(({ metadata }) => metadata.name === 'store-2')?.metadata.labels['apps.kubernetes.io/pod-index'], '2')
  assert.match((await cluster.kubectl(['get', 'statefulset', 'store'])).stdout, /store +3\/3/)
})

test('a write through any pod is read from every one, each by its own name', async () => {
  await set('store-1', 'wood', 'oak')
  for (const name of ['store-0', 'store-1', 'store-2']) {
    const answer = JSON.parse(await get('store-2', `http://${name}.store:8080/keys/wood`)) as { value: string; from: string }
    assert.deepEqual(answer, { key: 'wood', value: 'oak', from: name })
  }
})

test('a deleted pod comes back under its name, with the state of its peers', async () => {
  const before = (await pods()).find(({ metadata }) => metadata.name === 'store-0')
  await cluster.kubectl(['delete', 'pod', 'store-0', '--wait=true', '--timeout=60s'])
  await eventually('another store-0 is there', async () => {
    const pod = (await pods()).find(({ metadata }) => metadata.name === 'store-0')
    return pod !== undefined && pod.metadata.uid !== before?.metadata.uid
  })
  await rolledOut()
  await cluster.kubectl(['wait', '--for=condition=ready', 'pod/store-0', '--timeout=60s'])
  assert.match(await get('store-0', 'http://localhost:8080/keys/wood'), /"oak"/)
})

test('what its page says to try works', async () => {
  assert.match((await cluster.sh(blocks[2]!.text)).stdout, /"oak"/)
  await rolledOut()
})

test('it grows, restarts one by one and shrinks, and forgets nothing', async () => {
  await cluster.kubectl(['scale', 'statefulset/store', '--replicas=4'])
  await rolledOut()
  await set('store-3', 'metal', 'iron')
  const before = new Set((await pods()).map(({ metadata }) => metadata.uid))
  await cluster.kubectl(['rollout', 'restart', 'statefulset/store'])
  await rolledOut()
  assert.ok(
    (await pods()).every(({ metadata }) => !before.has(metadata.uid)),
    'all are new',
  )
  assert.match((await cluster.kubectl(['rollout', 'history', 'statefulset/store'])).stdout, /^2 /m)
  await cluster.kubectl(['scale', 'statefulset/store', '--replicas=2'])
  await eventually('two are left', async () => (await pods()).length === 2)
  assert.deepEqual((await pods()).map(({ metadata }) => metadata.name).sort(), ['store-0', 'store-1'])
  for (const [key, value] of [
    ['wood', 'oak'],
    ['metal', 'iron'],
  ] as const)
    assert.match(await get('store-1', `http://localhost:8080/keys/${key}`), new RegExp(`"${value}"`))
})

test('after deletion nothing is left', async () => {
  await cluster.kubectl(['delete', '-f', manifest, '--wait=true', '--timeout=60s'])
  await eventually('no pod is left', async () => (await pods()).length === 0)
})
