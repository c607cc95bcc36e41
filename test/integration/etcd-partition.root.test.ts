/**
 * Members of an etcd in network namespaces of their own, cut off from one another and joined again while clients write: packets
 * are dropped without a word, or the link is taken down. What the clients saw must still be one order of events.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { nftCommand } from '../../src/platform/nft.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { noRevision, type StoreEvent } from '../../src/store/contract.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { startEtcdCluster } from './etcd-cluster.ts'
import { ownNamespace } from './own-namespace.ts'
import { checkEvents, checkOrder, client, eventsUntil, pause, type Recorded, runOn } from './store-history.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

function declareTests({ id }: NonNullable<typeof own>): void {
  const members = [0, 1, 2]
  const spaceOf = (member: number) => `${id}-m${member}`
  const addressOf = (member: number) => `192.168.78.${10 + member}`

  const sh = (...command: string[]) => {
    const { status, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' })
    assert.equal(status, 0, `${command.join(' ')}: ${stderr}`)
  }

  function makeNetwork(): void {
    sh('ip', 'link', 'add', 'bridge', 'type', 'bridge')
    sh('ip', 'address', 'add', '192.168.78.1/24', 'dev', 'bridge')
    sh('ip', 'link', 'set', 'bridge', 'up')
    for (const member of members) {
      const space = spaceOf(member)
      sh('ip', 'netns', 'add', space)
      sh('ip', 'link', 'add', `port${member}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space)
      sh('ip', 'link', 'set', `port${member}`, 'master', 'bridge', 'up')
      sh('ip', '-n', space, 'address', 'add', `${addressOf(member)}/24`, 'dev', 'eth0')
      for (const link of ['lo', 'eth0']) sh('ip', '-n', space, 'link', 'set', link, 'up')
    }
  }

  /** Nothing comes in and nothing goes out, and nobody is told. */
  const drop = (member: number) =>
    nftCommand(spaceOf(member)).apply(
      'table ip cut {\n chain in {\n type filter hook input priority 0; policy drop;\n }\n' +
        ' chain out {\n type filter hook output priority 0; policy drop;\n }\n}\n',
    )
  const heal = (member: number) => nftCommand(spaceOf(member)).apply('delete table ip cut\n')
  const link = (member: number, state: 'up' | 'down') => sh('ip', 'link', 'set', `port${member}`, state)

  test('a member that leads is cut off under load, twice: writes go on at the others, and one order of events explains all', {
    timeout: 90_000,
  }, async () => {
    makeNetwork()
    const etcd = await startEtcdCluster({
      members: members.length,
      places: members.map((member) => ({ enter: ['ip', 'netns', 'exec', spaceOf(member)], address: addressOf(member) })),
    })
    const open = () => openEtcdStore({ endpoints: etcd.endpoints, tls: undefined, root: '/cut', clock: systemClock, random: systemRandom })
    const stores = [await open(), await open()]
    const watching = new AbortController()
    try {
      const live: StoreEvent[] = []
      const follow = (async () => {
        for await (const batch of stores[1]!.watch('', { after: noRevision, signal: watching.signal })) live.push(...batch.events)
      })()
      // What fails first is told; that the watch ends with it is not.
      follow.catch(() => undefined)
      const history: Recorded[] = []
      let isOver = false
      const clients = Array.from({ length: 5 }, (_, i) =>
        client(runOn(stores[i % 2]!), {
          name: `c${i}`,
          random: seededRandom(i + 11),
          isOver: () => isOver,
          record: (one) => history.push(one),
        }),
      )
      const answered = () => history.filter(({ revision }) => revision !== undefined).length
      /** By a question that needs no leader. */
      const isReached = (member: number) => spawnSync('curl', ['-s', '-m', '1', `http://${etcd.endpoints[member]}/version`]).status === 0
      /** Bounded: so many more writes are answered. */
      const untilAnswered = async (more: number) => {
        const goal = answered() + more
        for (let i = 0; i < 400 && answered() < goal; i++) await pause(50)
        assert.ok(answered() >= goal, `${answered()} writes were answered, not ${goal}`)
      }
      await untilAnswered(20)
      const first = await etcd.leader()
      await drop(first)
      assert.equal(isReached(first), false)
      await untilAnswered(20)
      assert.notEqual(await etcd.leader(), first)
      await heal(first)
      await untilAnswered(10)
      const second = await etcd.leader()
      assert.equal(isReached(second), true)
      link(second, 'down')
      assert.equal(isReached(second), false)
      await untilAnswered(20)
      link(second, 'up')
      await untilAnswered(10)
      isOver = true
      await Promise.all(clients)
      const unknown = history.filter((one) => one.operation.output.type === 'unknown').length
      assert.ok(unknown < 20, `${unknown} outcomes are unknown`)
      checkOrder(history)
      const fresh = await stores[0]!.freshRevision()
      const events = await eventsUntil(stores[0]!, noRevision, fresh)
      checkEvents(events, history)
      for (let attempt = 0; attempt < 200 && live.length < events.length; attempt++) await pause(50)
      watching.abort()
      await follow
      assert.deepEqual(
        live.map((event) => event.revision),
        events.map((event) => event.revision),
        'a watch that lived through it missed nothing',
      )
    } finally {
      watching.abort()
      await Promise.all(stores.map((store) => store.close()))
      await etcd.close()
    }
  })
}
