// The batch example on real containers: an Indexed Job to its end, one that gives up, and a CronJob's by hand.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { servePrimes } from '../../examples/batch-job/images.ts'
import type { TestRegistry } from '../../scripts/images/registry.ts'
import { docBlocks } from '../tidy/doc-blocks.ts'
import { eventually, startCluster, type TestCluster } from './cluster.ts'

/** The first serves the images, which is done here by hand. */
const blocks = docBlocks('examples/batch-job/README.md', 'sh')
const manifest = 'examples/batch-job/primes.yaml'
let cluster: TestCluster
let registry: TestRegistry

before(async () => {
  cluster = await startCluster({ runtime: 'containerd' })
  registry = await servePrimes({ listen: '127.0.0.1', port: 0, dataDir: cluster.dataDir })
})

after(async () => {
  await cluster?.down()
  await registry?.close()
})

const json = async <T>(args: readonly string[]) => JSON.parse((await cluster.kubectl([...args, '-o', 'json'])).stdout) as T
type PodItem = {
  metadata: { finalizers?: string[] }
  spec: { hostname?: string }
  status: { containerStatuses?: { state: { terminated?: { message?: string; exitCode: number } } }[] }
}
type JobItem = { status: { completedIndexes?: string; failed?: number; conditions: { type: string; reason: string }[] } }
const podsOf = async (job: string) => (await json<{ items: PodItem[] }>(['get', 'pods', '-l', `batch.kubernetes.io/job-name=${job}`])).items

test('every piece is counted once, and the counts add up', async () => {
  const { stdout } = await cluster.sh(blocks[1]!.text)
  assert.equal([...stdout.matchAll(/"primes":\d+/g)].length, 8, stdout)
  const { status } = await json<JobItem>(['get', 'job', 'primes'])
  assert.equal(status.completedIndexes, '0-7')
  assert.match((await cluster.kubectl(['get', 'job', 'primes'])).stdout, /primes +Complete +8\/8/)
  const pods = await podsOf('primes')
  const answers = pods.map(({ status: { containerStatuses } }) => JSON.parse(containerStatuses?.[0]?.state.terminated?.message ?? ''))
  assert.equal(
    answers.reduce((sum: number, { primes }: { primes: number }) => sum + primes, 0),
    78_498,
  )
  assert.deepEqual(new Set(pods.map(({ spec }) => spec.hostname)).size, 8)
  assert.ok(pods.every(({ metadata }) => (metadata.finalizers ?? []).length === 0))
  const logs = (await cluster.kubectl(['logs', 'job/primes'])).stdout
  assert.match(logs, /\d+ primes from \d+ to \d+/)
})

test('a worker that refuses its settings ends the whole Job', async () => {
  const text = readFileSync(manifest, 'utf8').split('\n---\n')[0]!
  const wrong = text.replace('name: primes', 'name: refused').replace("value: '1000000'", 'value: many')
  await cluster.kubectl(['apply', '-f', '-'], { input: wrong })
  await cluster.kubectl(['wait', '--for=condition=failed', 'job/refused', '--timeout=90s'])
  const { status } = await json<JobItem>(['get', 'job', 'refused'])
  assert.equal(status.conditions.find(({ type }) => type === 'Failed')?.reason, 'PodFailurePolicy')
  await cluster.kubectl(['delete', 'job', 'refused', '--wait=true', '--timeout=60s'])
})

test('a Job is made from the CronJob by hand', async () => {
  await cluster.sh(blocks[2]!.text)
  assert.equal((await podsOf('primes-now')).length, 2)
  assert.match((await cluster.kubectl(['get', 'cronjob', 'primes-nightly'])).stdout, /30 2 \* \* \* +Europe\/Berlin +False/)
})

test('after deletion nothing is left', async () => {
  await cluster.kubectl(['delete', '-f', manifest, '--wait=true', '--timeout=60s'])
  await eventually('no Job and no pod is left', async () => {
    const { items } = await json<{ items: unknown[] }>(['get', 'jobs,pods'])
    return items.length === 0
  })
})
