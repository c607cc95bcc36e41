import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CliError } from '../../src/cli/cli-error.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { docBlocks } from '../tidy/doc-blocks.ts'
import { seededRandom, startCluster, virtualClock } from '../../src/roles/embedded.ts'
import { loadSchedulerConfiguration } from '../../src/roles/scheduler-options.ts'

const folder = mkdtempSync(join(tmpdir(), 'keelson-scheduler-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('docs/scheduling.md: the plugin and the profiles of the page place pods as it says', async () => {
  const pluginFile = write('cheapest.ts', docBlocks('docs/scheduling.md', 'ts')[0]!.text)
  const configFile = write('scheduler.yaml', docBlocks('docs/scheduling.md', 'yaml')[0]!.text)
  const scheduler = await loadSchedulerConfiguration({ configFile, pluginFiles: [pluginFile] })
  assert.deepEqual(
    scheduler!.profiles.map((p) => p.schedulerName),
    ['default-scheduler', 'packing'],
  )
  const clock = virtualClock()
  const cluster = await startCluster({ nodes: 3, clock, random: seededRandom(1), scheduler: scheduler! })
  try {
    const { client } = cluster
    for (let i = 0; i < 50 && (await client.resource(kindRefs.coreV1.nodes).list()).items.length < 3; i++) await clock.advance(200)
    const { items } = await client.resource(kindRefs.coreV1.nodes).list()
    for (const [i, { metadata }] of items.entries()) {
      const body = { metadata: { labels: { 'example.com/price': String(90 - 20 * i) } } }
      await client.resource(kindRefs.coreV1.nodes).patch(metadata.name!, { type: 'merge', body })
    }
    const pods = client.resource(kindRefs.coreV1.pods, 'default')
    const run = async (name: string, labels: Record<string, string>) => {
      await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { containers: [{ name: 'c', image: 'c:1' }] } })
      await clock.advance(3_000)
      return pods.get(name)
    }
    await clock.advance(2_000)
    assert.equal((await run('cheap', {})).spec?.nodeName, items[2]!.metadata.name)
    const poor = await run('poor', { 'example.com/price-max': '10' })
    assert.match(poor.status!.conditions![0]!.message!, /^0\/3 nodes are available: 3 node\(s\) were too expensive\./)
  } finally {
    await cluster.close()
  }
})

const checkRefused = (files: { configFile?: string; pluginFiles?: readonly string[] }, message: RegExp) =>
  assert.rejects(
    loadSchedulerConfiguration({ configFile: files.configFile, pluginFiles: files.pluginFiles ?? [] }),
    (error: unknown) => error instanceof CliError && error.exitCode === 2 && message.test(error.message),
  )

test('what cannot be read or is wrong is told with the file', async () => {
  await checkRefused({ configFile: join(folder, 'missing.yaml') }, /cannot read .*missing\.yaml: ENOENT/)
  await checkRefused({ configFile: write('bad.yaml', 'a: [') }, /cannot read .*bad\.yaml/)
  await checkRefused({ configFile: write('other.yaml', 'kind: Pod') }, /no kind "Pod" is registered/)
  await checkRefused({ pluginFiles: [write('none.ts', 'export const x = 1')] }, /exports no list `plugins`/)
  await checkRefused({ pluginFiles: [write('half.ts', 'export const plugins = [{ name: "x" }]')] }, /needs `name`, `weight` and `compile`/)
  await checkRefused({ pluginFiles: [write('broken.ts', 'export const = ')] }, /cannot use the scheduler plugin .*broken\.ts/)
  assert.equal(await loadSchedulerConfiguration({ configFile: undefined, pluginFiles: [] }), undefined)
  assert.ok(readFileSync('docs/reference/cli.md', 'utf8').includes('--scheduler-config'))
})
