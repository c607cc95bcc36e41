import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sleep } from '../../src/base/clock.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { Node } from '../../src/kinds/generated/types/core-v1.ts'
import { silentLog } from '../../src/base/log.ts'
import { simulatedPodHost } from '../../src/node/pod/pod-host.ts'
import { createCriRuntime } from '../../src/node/runtime/cri/cri-runtime.ts'
import { listProcesses, signalProcess } from '../../src/platform/background-process.ts'
import { killCgroup } from '../../src/platform/cgroup.ts'
import { mountPointsUnder, mountTmpfs, unmount } from '../../src/platform/mount.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { type AgentWorld, first, isOver, isReady, shell, startAgentWorld, unbounded } from './agent-world.ts'
import { teardownNode } from '../../src/roles/node/node-teardown.ts'
import { rememberNode } from '../../src/roles/node/own-node.ts'
import { ownNamespace } from './own-namespace.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

function declareTests(place: NonNullable<typeof own>): void {
  let world: AgentWorld
  const podsDir = join(place.directory, 'kubelet')
  before(async () => {
    // A disk of its own for the pods, so that it can be filled.
    mkdirSync(podsDir, { recursive: true })
    await mountTmpfs(podsDir, { sizeBytes: 16 * 2 ** 20, mode: 0o750 })
    const eviction = { hard: { ...unbounded, 'nodefs.available': { share: 0.1 } }, pressureTransitionMs: 0 }
    world = await startAgentWorld(place, { statusCheckPeriodMs: 200, eviction })
  })
  after(() => world.close())

  test('a full disk is told: by a condition of the node, by an event of what cannot start; and it mends itself', async () => {
    const filler = join(podsDir, 'filler')
    writeFileSync(filler, Buffer.alloc(15 * 2 ** 20))
    await untilNode((node) => conditionOf(node, 'DiskPressure') === 'True KubeletHasDiskPressure')
    assert.throws(() => writeFileSync(join(podsDir, 'rest'), Buffer.alloc(2 * 2 ** 20)), { code: 'ENOSPC' })
    const data = { text: 'x'.repeat(64 * 1024) }
    await world.client
      .resource(kindRefs.coreV1.configMaps, 'default')
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'big' }, data })
    await world.create('unwanted', { containers: [shell('sleep 1000')] })
    const { status } = (await world.until('unwanted', isOver))!
    assert.deepEqual([status?.reason, status?.message], ['Evicted', 'Pod was rejected: The node had condition: [DiskPressure]. '])
    await world.remove('unwanted')
    // What a cluster cannot do without is let in all the same.
    await world.create('squeezed', {
      priorityClassName: 'system-node-critical',
      containers: [{ ...shell('sleep 1000'), volumeMounts: [{ name: 'c', mountPath: '/c' }] }],
      volumes: [{ name: 'c', configMap: { name: 'big' } }],
    })
    assert.match(await world.untilEvent('squeezed', 'FailedMount'), /MountVolume.SetUp failed for volume "c" : .*no space left on device/i)
    for (const file of [filler, join(podsDir, 'rest')]) rmSync(file)
    await untilNode((node) => conditionOf(node, 'DiskPressure') === 'False KubeletHasNoDiskPressure')
    assert.deepEqual(
      (await world.runtime.images()).map((i) => i.pinned),
      [true],
      'unused images were removed to free space',
    )
    await world.restoreImage()
    await world.until('squeezed', isReady)
    await world.remove('squeezed')
  })

  test('after a restart of the machine pods come back in fresh sandboxes, with their files on disk', async () => {
    const script = 'echo life >> /data/lives; sleep 1000'
    const volumes = [{ name: 'd', emptyDir: {} }]
    const container = { ...shell(script), volumeMounts: [{ name: 'd', mountPath: '/data' }] }
    await world.create('reborn', { containers: [container], volumes })
    await world.create('once', { restartPolicy: 'Never', containers: [shell('sleep 1000')] })
    await world.create('over', { restartPolicy: 'Never', containers: [shell('exit 0')] })
    for (const name of ['reborn', 'once']) await world.until(name, isReady)
    await world.until('over', isOver)
    const before = await sandboxOf('reborn')

    await crashMachine()
    await world.restartEngine()
    world.startAgent()

    const pod = await world.until('reborn', (p) => isReady(p) && first(p)?.restartCount === 1)
    assert.equal(await world.execText(pod, ['cat', '/data/lives']), 'life\nlife')
    const now = await sandboxOf('reborn')
    assert.notEqual(now, before)
    const lost = await world.until('once', isOver)
    assert.equal(lost?.status?.phase, 'Failed')
    assert.equal((await world.pods().get('over')).status?.phase, 'Succeeded')
    for (const name of ['reborn', 'once', 'over']) await world.remove(name)
    // The object of a finished pod goes at once, its sandbox a moment later.
    const signal = AbortSignal.timeout(10_000)
    while ((await world.runtime.list()).length > 0) await sleep(systemClock, 20, signal)
  })

  test('a node that used an engine of somebody else takes down its own pods there and nothing more', async () => {
    const dataDir = join(place.directory, 'guest')
    rememberNode(dataDir, 'guest', `unix://${world.supervisor.socket}`)
    const common = { socket: world.supervisor.socket, clock: systemClock, log: silentLog }
    const guest = createCriRuntime({ ...common, owner: 'guest' })
    const pod = { metadata: { name: 'theirs', namespace: 'default', uid: 'u-1' }, spec: { containers: [], hostNetwork: true } }
    await guest.runSandbox({ ...(await simulatedPodHost().sandboxSpec(pod, 0)), logDirectory: join(dataDir, 'logs'), hostname: '' })
    await world.create('ours', { containers: [shell('sleep 1000')] })
    const before = await world.until('ours', isReady)
    await teardownNode(dataDir)
    assert.deepEqual(await guest.list(), [])
    await guest.close()
    assert.equal(await world.execText(before, ['echo', 'on']), 'on')
    await world.remove('ours')
  })

  async function sandboxOf(name: string): Promise<string | undefined> {
    return (await world.runtime.list()).find((p) => p.name === name && p.state === 'Ready')?.sandboxId
  }

  /** Everything that lives in memory goes at once: processes, /run, interfaces. Disks stay. */
  async function crashMachine(): Promise<void> {
    await world.stopAgent()
    await world.runtime.close()
    await world.supervisor.stop()
    killCgroup(place.cgroup)
    for (const { pid, commandLine } of listProcesses())
      if (commandLine.includes(`${place.stateDirectory}/`) && commandLine.includes('containerd-shim')) signalProcess(pid, 'SIGKILL')
    for (const point of [...mountPointsUnder(place.stateDirectory), ...mountPointsUnder(join(podsDir, 'memory'))]) await unmount(point)
    for (const point of mountPointsUnder(join(place.directory, 'containerd'))) await unmount(point)
    rmSync(place.stateDirectory, { recursive: true, force: true })
    assert.ok(!existsSync(place.stateDirectory))
    assert.equal(spawnSync('ip', ['link', 'delete', 'keelson0']).status, 0)
  }

  const conditionOf = (node: Node, type: string) => {
    const found = node.status?.conditions?.find((c) => c.type === type)
    return `${found?.status} ${found?.reason}`
  }

  async function untilNode(condition: (node: Node) => boolean): Promise<void> {
    const signal = AbortSignal.timeout(20_000)
    let last: Node | undefined
    try {
      for await (const event of world.client.resource(kindRefs.coreV1.nodes).watch({ signal, sendInitialEvents: true })) {
        if (event.type === 'BOOKMARK') continue
        last = event.object
        if (condition(event.object)) return
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    assert.fail(`the node did not get there: ${JSON.stringify(last?.status?.conditions)}`)
  }
}
