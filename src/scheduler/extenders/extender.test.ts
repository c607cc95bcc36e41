import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { podCondition } from '../../kinds/pod-status.ts'
import { readConfiguration } from '../config/scheduler-configuration.ts'
import { testNode, testPod } from '../core/fixtures.ts'
import { seededRandom } from '../../base/random.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { candidateOf } from '../core/preemption.ts'
import { SchedulerCore } from '../core/scheduler-core.ts'
import { askForPreemption } from './extender-preemption.ts'
import { type SimCluster, withCluster } from '../sim-cluster.ts'
import { askExtenders, concerns } from './extender-client.ts'

type Call = {
  readonly verb: string
  readonly body: { readonly Pod: Pod; readonly NodeNames: string[] | null; readonly Nodes: { items: unknown[] } | null }
}

/** An extender on loopback that answers by verb, once `mayAnswer` resolves; undefined means that it fails. */
async function withExtender(
  answers: Readonly<Record<string, (call: Call) => unknown>>,
  body: (url: string, calls: Call[]) => Promise<void>,
  mayAnswer = Promise.resolve(),
): Promise<void> {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    const blocks: Buffer[] = []
    request.on('data', (b: Buffer) => blocks.push(b))
    request.on('end', () => {
      const call = { verb: request.url!.slice(1), body: JSON.parse(Buffer.concat(blocks).toString()) as Call['body'] }
      calls.push(call)
      void mayAnswer.then(() => {
        const answer = answers[call.verb]?.(call)
        if (answer === undefined) response.statusCode = 500
        response.end(JSON.stringify(answer ?? {}))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const configOf = (extender: object) =>
  readConfiguration({ apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration', extenders: [extender] })
const nodes = ['a', 'b', 'c'].map((name) => testNode({ name }))
const pod = testPod({ name: 'p' })
const { signal } = new AbortController()

test('an extender filters and scores what the scheduler left', () =>
  withExtender(
    {
      filter: ({ body }) => ({ NodeNames: body.NodeNames!.filter((n) => n !== 'a'), FailedNodes: { a: 'no licence' } }),
      prioritize: ({ body }) => body.NodeNames!.map((Host) => ({ Host, Score: Host === 'c' ? 10 : 20 })),
    },
    async (urlPrefix) => {
      const { extenders } = configOf({ urlPrefix, filterVerb: 'filter', prioritizeVerb: 'prioritize', weight: 2, nodeCacheCapable: true })
      const answer = await askExtenders(extenders, { pod, nodes, signal })
      assert.deepEqual([...answer.allowed], ['b', 'c'])
      assert.deepEqual(answer.rejected.get('a'), { reason: 'no licence', isResolvable: true })
      assert.deepEqual(
        [...answer.scores],
        [
          ['b', 200],
          ['c', 200],
        ],
      )
    },
  ))

test('one that fails keeps the pod waiting, unless it may be ignored; whole nodes go to those that hold no cache', () =>
  withExtender({ filter: () => undefined }, async (urlPrefix, calls) => {
    const strict = configOf({ urlPrefix, filterVerb: 'filter' }).extenders
    await assert.rejects(askExtenders(strict, { pod, nodes, signal }), /failed with code 500/)
    assert.equal(calls[0]!.body.Nodes?.items.length, 3)
    const lenient = configOf({ urlPrefix, filterVerb: 'filter', ignorable: true }).extenders
    assert.equal((await askExtenders(lenient, { pod, nodes, signal })).allowed.size, 3)
    const dead = configOf({ urlPrefix: 'http://127.0.0.1:1', filterVerb: 'filter' }).extenders
    await assert.rejects(askExtenders(dead, { pod, nodes, signal }), /ECONNREFUSED/)
  }))

test('managed resources say whose pods concern an extender', () => {
  const [extender] = configOf({
    urlPrefix: 'http://127.0.0.1:1',
    filterVerb: 'f',
    managedResources: [{ name: 'example.com/gpu' }],
  }).extenders
  assert.equal(concerns(extender!, pod), false)
  assert.equal(concerns(extender!, testPod({ name: 'g', requests: { 'example.com/gpu': '1' } })), true)
})

test('the loop places by what the extender leaves, and lets it bind', () =>
  withExtender({ filter: () => ({ NodeNames: ['b'] }), bind: () => ({}) }, async (urlPrefix, calls) => {
    const { extenders } = configOf({ urlPrefix, filterVerb: 'filter', bindVerb: 'bind', nodeCacheCapable: true })
    await withCluster(
      1,
      async (c) => {
        for (const name of ['a', 'b', 'c']) await c.addNode({ name })
        await c.addPod({ name: 'p' })
        for (let turns = 0; turns < 2_000 && calls.length < 2; turns++) {
          await c.clock.settle()
          await new Promise((resolve) => setImmediate(resolve))
        }
        assert.deepEqual(
          calls.map((call) => call.verb),
          ['filter', 'bind'],
        )
        assert.deepEqual({ ...calls[1]!.body, PodUID: '' }, { PodName: 'p', PodNamespace: 'default', PodUID: '', Node: 'b' })
      },
      { extenders },
    )
  }))

test('what is explained of a pod that an extender refuses everywhere says that extenders have a say', () =>
  withExtender({ filter: () => ({ NodeNames: [], FailedNodes: { a: 'no licence' } }) }, async (urlPrefix) => {
    const { extenders } = configOf({ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true })
    await withCluster(
      1,
      async (c) => {
        await c.addNode({ name: 'a' })
        await c.addPod({ name: 'p' })
        const message = async () => (await c.pod('p')).status?.conditions?.[0]?.message
        for (let turns = 0; turns < 2_000 && (await message()) === undefined; turns++) {
          await c.clock.settle()
          await new Promise((resolve) => setImmediate(resolve))
        }
        const told = c.scheduler.explain('default', 'p')!
        assert.equal(
          told.summary,
          `1 of 1 nodes would take it as far as the scheduler's own plugins go; extenders have a say, too: ${urlPrefix}`,
        )
        assert.match(told.message ?? '', /no licence/)
      },
      { extenders },
    )
  }))

test('preemption asks the extender which victims may go, and takes no others', () =>
  withExtender(
    {
      filter: ({ body }) => ({ NodeNames: body.NodeNames }),
      preempt: ({ body }) => {
        const { b } = (body as unknown as { NodeNameToMetaVictims: Record<string, { Pods: { UID: string }[] }> }).NodeNameToMetaVictims
        // Node a would be cheaper; this one may not be cleared.
        return { NodeNameToMetaVictims: { b: { Pods: b!.Pods, NumPDBViolations: 0 } } }
      },
    },
    async (urlPrefix, calls) => {
      const { extenders } = configOf({ urlPrefix, filterVerb: 'filter', preemptVerb: 'preempt', nodeCacheCapable: true })
      await withCluster(
        1,
        async (c) => {
          const turns = async (what: string, condition: () => Promise<boolean>) => {
            for (let turn = 0; turn < 2_000; turn++) {
              await c.clock.settle()
              if (await condition()) return
              await new Promise((resolve) => setImmediate(resolve))
            }
            assert.fail(`did not happen: ${what}`)
          }
          await c.client.resource(kindRefs.schedulingV1.priorityClasses).create({ metadata: { name: 'high' }, value: 1_000 })
          for (const name of ['a', 'b']) {
            await c.addNode({ name, cpu: '1' })
            const more = name === 'b' ? { priority: 0 } : {}
            await c.addPod({ name: `weak-${name}`, requests: { cpu: '1' }, ...more, spec: { nodeName: name } })
          }
          await c.addPod({ name: 'strong', requests: { cpu: '1' }, priority: 1_000, spec: { priorityClassName: 'high' } })
          await turns('a nomination', async () => (await c.pod('strong')).status?.nominatedNodeName === 'b')
          const { body } = calls.find((call) => call.verb === 'preempt')!
          assert.deepEqual(Object.keys((body as unknown as { NodeNameToMetaVictims: object }).NodeNameToMetaVictims).toSorted(), ['a', 'b'])
          await turns(
            'the victim leaves',
            async () => (await c.pod('weak-b').catch(() => undefined))?.metadata.deletionTimestamp !== undefined,
          )
          assert.equal((await c.pod('weak-a')).metadata.deletionTimestamp, undefined)
        },
        { extenders },
      )
    },
  ))

for (const [title, answer, ignorable, expected] of [
  ['that clears no node', {}, false, []],
  [
    'that leaves a node without victims',
    { NodeNameToMetaVictims: { a: { Pods: [] } } },
    false,
    /expected at least one victim pod on node "a"/,
  ],
  ['that leaves a node without victims, and may be ignored', { NodeNameToMetaVictims: { a: { Pods: [] } } }, true, []],
  ['that does not answer', undefined, false, /failed with code 500/],
  ['that does not answer, and may be ignored', undefined, true, ['a', 'b']],
] as const)
  test(`preemption with an extender ${title}`, () =>
    withExtender({ preempt: () => answer }, async (urlPrefix) => {
      const { extenders } = configOf({ urlPrefix, preemptVerb: 'preempt', ignorable })
      const { snapshot } = new SchedulerCore({ plugins: [], random: seededRandom(1) })
      const candidates = ['a', 'b'].map((name) => {
        const { row } = snapshot.setNode(testNode({ name }))
        return candidateOf(row, [snapshot.addPod(`default/${name}`, testPod({ name }), name)], 0)
      })
      const ask = () => askForPreemption(extenders, { pod, candidates, snapshot, signal })
      if (expected instanceof RegExp) await assert.rejects(ask(), expected)
      else assert.deepEqual([...(await ask()).keys()], expected)
    }))

/** Turns of the event loop until it holds: what is waited for comes by a socket. */
async function untilItHolds(c: SimCluster, what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let turns = 0; turns < 5_000; turns++) {
    await c.clock.settle()
    if (await holds()) return
    await c.clock.advance(10)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail(`did not happen: ${what}`)
}

const addGroup = (c: SimCluster, minCount: number) =>
  c.client.resource(kindRefs.schedulingV1alpha2.podGroups, 'default').create({
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'PodGroup',
    metadata: { name: 'g' },
    spec: { schedulingPolicy: { gang: { minCount } } },
  })
const addMember = (c: SimCluster, name: string) =>
  c.addPod({ name, requests: { cpu: '1' }, spec: { schedulingGroup: { podGroupName: 'g' } } })
const nodesOf = (c: SimCluster, names: readonly string[]) => Promise.all(names.map(async (name) => (await c.pod(name)).spec?.nodeName))

/** `meanwhile` happens after both are asked about and before the extender, which leaves out node a, answers. */
async function withAskedGroup(
  meanwhile: (c: SimCluster) => Promise<unknown>,
  body: (c: SimCluster, asked: () => readonly string[]) => Promise<void>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const filter = ({ body: { NodeNames } }: Call) => ({ NodeNames: NodeNames!.filter((n) => n !== 'a') })
  await withExtender(
    { filter },
    async (urlPrefix, calls) => {
      const { extenders } = configOf({ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true })
      const asked = () => calls.map(({ body: { Pod, NodeNames } }) => `${Pod.metadata.name}: ${NodeNames!.join(' ')}`).toSorted()
      await withCluster(
        1,
        async (c) => {
          for (const name of ['a', 'b']) await c.addNode({ name })
          await addGroup(c, 2)
          for (const name of ['p1', 'p2']) await addMember(c, name)
          await untilItHolds(c, 'asked', () => Promise.resolve(calls.length === 2))
          await meanwhile(c)
          await c.clock.settle()
          resolve()
          await body(c, asked)
        },
        { extenders },
      )
    },
    promise,
  )
}

test('extenders are asked about the members of a group before these are placed, and about one that comes meanwhile after that', () =>
  withAskedGroup(
    (c) => addMember(c, 'p3'),
    async (c, asked) => {
      const all = ['p1', 'p2', 'p3']
      await untilItHolds(c, 'all bound', async () => !(await nodesOf(c, all)).includes(undefined))
      assert.deepEqual(await nodesOf(c, all), ['b', 'b', 'b'])
      assert.deepEqual(asked(), ['p1: a b', 'p2: a b', 'p3: a b'])
    },
  ))

test('a group that lost a member while extenders were asked waits for another, and takes no place', () =>
  withAskedGroup(
    (c) => c.client.resource(kindRefs.coreV1.pods, 'default').delete('p2'),
    async (c) => {
      const waits = 'pod group "default/g" has not yet the 2 pods that it needs'
      await untilItHolds(c, 'told', async () => podCondition(await c.pod('p1'), 'PodScheduled')?.message === waits)
      assert.deepEqual(await nodesOf(c, ['p1']), [undefined])
      await addMember(c, 'p4')
      await untilItHolds(c, 'both bound', async () => !(await nodesOf(c, ['p1', 'p4'])).includes(undefined))
    },
  ))

test('a group whose extender does not answer is tried again as a whole', () => {
  let isBroken = true
  return withExtender({ filter: ({ body }) => (isBroken ? undefined : { NodeNames: body.NodeNames }) }, async (urlPrefix) => {
    const { extenders } = configOf({ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true })
    await withCluster(
      1,
      async (c) => {
        await c.addNode({ name: 'a' })
        await addGroup(c, 2)
        for (const name of ['p1', 'p2']) await addMember(c, name)
        const isTold = async (name: string) => /failed with code 500/.test(podCondition(await c.pod(name), 'PodScheduled')?.message ?? '')
        await untilItHolds(c, 'told', async () => (await isTold('p1')) && (await isTold('p2')))
        isBroken = false
        await untilItHolds(c, 'both bound', async () => !(await nodesOf(c, ['p1', 'p2'])).includes(undefined))
      },
      { extenders },
    )
  })
})
