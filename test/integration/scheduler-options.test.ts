import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CliError } from '../../src/cli/cli-error.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { docBlocks } from '../tidy/doc-blocks.ts'
import { seededRandom, startCluster, virtualClock } from '../../src/roles/embedded.ts'
import type { Lease } from '../../src/kinds/generated/types/coordination-v1.ts'
import type { Node, Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { loadRebalancerConfiguration, loadSchedulerConfiguration } from '../../src/roles/options/scheduler-options.ts'
import { testNode, testPod } from '../../src/scheduler/core/fixtures.ts'
import { emptyView } from '../../src/scheduler/what-if/empty-view.ts'
import { planPlacement } from '../../src/scheduler/what-if/plan-placement.ts'

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

/** Where each pod would land (`name: node`), by the page's configuration that has all of the words, read from a file. */
async function landings(
  words: readonly string[],
  {
    nodes,
    running = [],
    pods,
    leases = [],
  }: { nodes: readonly Node[]; running?: readonly Pod[]; pods: readonly Pod[]; leases?: readonly Lease[] },
): Promise<readonly string[]> {
  const block = docBlocks('docs/scheduling.md', 'yaml').find(({ text }) => words.every((word) => text.includes(word)))
  const scheduler = await loadSchedulerConfiguration({ configFile: write('page.yaml', block!.text), pluginFiles: [] })
  const { plan } = planPlacement({
    view: { ...emptyView, nodes, pods: running, leases },
    whatIf: { addedNodes: [], without: [], drained: [], replaced: new Set(), pods: pods.map((pod) => ({ pod, of: 'test' })) },
    profiles: scheduler!.profiles,
    random: seededRandom(1),
  })
  return plan.pods.map((p) => `${p.pod.split('/')[1]}: ${p.outcome === 'Placed' ? p.node : (p as { message?: string }).message}`)
}

const cpu = (amount: string) => ({ requests: { cpu: amount } })

test('docs/scheduling.md: profiles by price, by distance and by a curve of requests place as the page says', async () => {
  const labelled = (name: string, price: string, distance: string) =>
    testNode({ name, cpu: '10', labels: { 'keelson.dev/price': price, 'keelson.dev/distance': distance } })
  const nodes = [labelled('dear', '9', '0'), labelled('far', '1', '100'), labelled('near', '1', '1')]
  const on = (nodeName: string, amount: string) => testPod({ name: `on-${nodeName}`, ...cpu(amount), spec: { nodeName } })
  const asking = (name: string, schedulerName: string, amount: string) => testPod({ name, ...cpu(amount), spec: { schedulerName } })
  const found = await landings(['PriceAndDistance', 'RequestedToCapacityRatio'], {
    nodes,
    running: [on('dear', '4'), on('far', '7')],
    pods: [
      asking('cheap', 'cheap', '100m'),
      asking('to-eighty', 'filling', '4'),
      asking('on-top', 'filling', '1'),
      asking('other', 'default-scheduler', '1'),
    ],
  })
  assert.deepEqual(found, [
    'cheap: near',
    'to-eighty: dear',
    'on-top: far',
    'other: its scheduler "default-scheduler" is none of the profiles that are known here',
  ])
})

test('docs/scheduling.md: filters and scores in CEL, and measured use, place as the page says', async () => {
  const labelled = (name: string, tier: string, price: string) =>
    testNode({ name, cpu: '64', labels: { tier, 'example.com/price': price } })
  const nodes = [labelled('front-dear', 'front', '90'), labelled('front-cheap', 'front', '10'), labelled('back', 'back', '1')]
  const full = testPod({ name: 'full', ...cpu('30'), spec: { nodeName: 'back' } })
  const tiered = (name: string, tier: string) => testPod({ name, labels: { tier }, ...cpu('1') })
  const found = await landings(['name: CEL', 'LoadAware'], {
    nodes,
    running: [full],
    pods: [tiered('front', 'front'), tiered('back', 'back')],
  })
  assert.equal(found[0], 'front: front-cheap')
  assert.match(found[1]!, /^back: 0\/3 nodes are available: .*2 node\(s\) had another tier/)
  for (const [busy, idle] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const usage = '{"cpu":"60","memory":"1073741824"}'
    const leases = [{ metadata: { name: busy, annotations: { 'keelson.dev/node-usage': usage } }, spec: {} }]
    const alike = ['a', 'b'].map((name) => labelled(name, 'front', '10'))
    assert.deepEqual(await landings(['name: CEL', 'LoadAware'], { nodes: alike, pods: [tiered('front', 'front')], leases }), [
      `front: ${idle}`,
    ])
  }
})

test('docs/scheduling.md: the configuration of the rebalancer is the default', async () => {
  const block = docBlocks('docs/scheduling.md', 'yaml').find(({ text }) => text.includes('RebalancerConfiguration'))
  assert.deepEqual(await loadRebalancerConfiguration(write('rebalancer.yaml', block!.text)), await loadRebalancerConfiguration(undefined))
  await assert.rejects(loadRebalancerConfiguration(write('wrong.yaml', 'kind: Pod')), /cannot use .*wrong\.yaml: .*kind: /)
})

const checkRefused = (files: { configFile?: string; pluginFiles?: readonly string[] }, message: RegExp) =>
  assert.rejects(
    loadSchedulerConfiguration({ configFile: files.configFile, pluginFiles: files.pluginFiles ?? [] }),
    (error: unknown) => error instanceof CliError && error.exitCode === 2 && message.test(error.message),
  )

test('what cannot be read or is wrong is told with the file', async () => {
  await checkRefused(
    { configFile: join(folder, 'missing.yaml') },
    /cannot read .*missing\.yaml, which --scheduler-config names: there is no such file/,
  )
  await checkRefused({ configFile: write('bad.yaml', 'a: [') }, /cannot read .*bad\.yaml/)
  await checkRefused({ configFile: write('other.yaml', 'kind: Pod') }, /no kind "Pod" is registered/)
  await checkRefused({ pluginFiles: [write('none.ts', 'export const x = 1')] }, /exports no list `plugins`/)
  await checkRefused({ pluginFiles: [write('half.ts', 'export const plugins = [{ name: "x" }]')] }, /needs `name`, `weight` and `compile`/)
  await checkRefused({ pluginFiles: [write('broken.ts', 'export const = ')] }, /cannot use the scheduler plugin .*broken\.ts/)
  assert.equal(await loadSchedulerConfiguration({ configFile: undefined, pluginFiles: [] }), undefined)
  assert.ok(readFileSync('docs/reference/cli.md', 'utf8').includes('--scheduler-config'))
})
