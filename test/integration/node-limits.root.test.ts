import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { PodSpec, VolumeMount } from '../../src/kinds/generated/types/core-v1.ts'
import { watchManifests } from '../../src/node/static-pods/manifest-folder.ts'
import { mountPointsUnder } from '../../src/platform/mount.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { writeTextFile } from '../../src/platform/text-file.ts'
import { type AgentWorld, first, isOver, isReady, shell, startAgentWorld } from './agent-world.ts'
import { ownNamespace } from './own-namespace.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

function declareTests(place: NonNullable<typeof own>): void {
  let world: AgentWorld
  // It is made later than the agent looks for it.
  const manifestPath = join(place.directory, 'manifests')
  before(async () => {
    const folder = { path: manifestPath, nodeName: 'n1', clock: systemClock, log: silentLog }
    const manifests = { path: manifestPath, watch: (onPods: Parameters<typeof watchManifests>[1]) => watchManifests(folder, onPods) }
    world = await startAgentWorld(place, { statusCheckPeriodMs: 200, manifests })
  })
  after(() => world.close())

  test('a container that swaps its subPath for a link to the host gets nothing of the host', async () => {
    const volumeMounts: VolumeMount[] = [
      { name: 'v', mountPath: '/all' },
      { name: 'v', mountPath: '/part', subPath: 'part' },
    ]
    // The first life plants the link; the second would see the host's /etc if the engine followed it.
    const script = 'if [ -e /all/part ]; then rm -rf /all/part; ln -s /etc /all/part; fi; exit 1'
    await world.create('swap', {
      restartPolicy: 'OnFailure',
      containers: [{ ...shell(script), volumeMounts }],
      volumes: [{ name: 'v', emptyDir: {} }],
    })
    const refused = await world.until('swap', (pod) => first(pod)?.state?.waiting?.reason === 'CreateContainerConfigError')
    assert.equal(first(refused)?.state?.waiting?.message, 'failed to prepare subPath: "part" leads out of the volume')
    await world.remove('swap')
  })

  test('a pod of a file runs, follows the file, outlives its agent and goes with it', async () => {
    const write = (script: string) => {
      const spec = { hostNetwork: true, terminationGracePeriodSeconds: 1, containers: [shell(script)] }
      writeTextFile(join(manifestPath, 'fixed.json'), JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'fixed' }, spec }))
    }
    write('echo one; sleep 1000')
    const one = await world.until('fixed-n1', isReady)
    const sandboxes = async () => (await world.runtime.list()).filter(({ name }) => name === 'fixed-n1').map((s) => s.sandboxId)
    const before = await sandboxes()
    assert.equal(before.length, 1)
    await world.stopAgent()
    world.startAgent()
    await world.pods().delete('fixed-n1')
    const shown = await world.until('fixed-n1', (pod) => pod !== undefined && pod.metadata.uid !== one?.metadata.uid && isReady(pod))
    assert.deepEqual([await sandboxes(), shown?.status?.podIP], [before, '127.0.0.1'])
    write('echo two; sleep 1002')
    const two = await world.until('fixed-n1', (pod) => pod !== undefined && pod.metadata.uid !== shown?.metadata.uid && isReady(pod))
    assert.equal(await world.execText(two, ['sh', '-c', 'tr "\\0" " " < /proc/1/cmdline']), 'sleep 1002')
    rmSync(join(manifestPath, 'fixed.json'))
    await world.until('fixed-n1', (pod) => pod === undefined)
    assert.deepEqual(await sandboxes(), [])
  })

  test('a subPath may be a file, and is the same place after a restart', async () => {
    const volumes = [{ name: 'v', emptyDir: {} }]
    const init = { ...shell('echo one > /all/file; mkdir /all/dir'), name: 'init', volumeMounts: [{ name: 'v', mountPath: '/all' }] }
    const volumeMounts = [
      { name: 'v', mountPath: '/file', subPath: 'file' },
      { name: 'v', mountPath: '/dir', subPath: 'dir/deep' },
    ]
    const script = 'cat /file; if [ -e /dir/mark ]; then echo again; sleep 1000; fi; touch /dir/mark; echo two >> /file; exit 1'
    await world.create('parts', { initContainers: [init], containers: [{ ...shell(script), volumeMounts }], volumes })
    const pod = (await world.until('parts', (p) => isReady(p) && first(p)?.restartCount === 1))!
    assert.equal(await world.execText(pod, ['cat', '/file']), 'one\ntwo')
    assert.equal(await world.execText(pod, ['ls', '/dir']), 'mark')
    await world.remove('parts')
  })

  test('an ephemeral container sees the processes of its target', async () => {
    await world.create('watched', { containers: [shell('exec sleep 4242')] })
    await world.until('watched', isReady)
    const debug = { ...shell('ps | grep -v grep | grep "sleep 4242" || echo none'), name: 'debug', targetContainerName: 'main' }
    const body = { spec: { ephemeralContainers: [{ ...debug, terminationMessagePolicy: 'FallbackToLogsOnError' }] } }
    await world.pods().patch('watched', { type: 'strategic', body }, { subresource: 'ephemeralcontainers' })
    const seen = await world.until('watched', (pod) => pod?.status?.ephemeralContainerStatuses?.[0]?.state?.terminated !== undefined)
    const { namespace, name, uid } = seen!.metadata
    assert.match(readFileSync(join(world.files.logsDir, 'pods', `${namespace}_${name}_${uid}`, 'debug', '0.log'), 'utf8'), /sleep 4242/)
    await world.remove('watched')
  })

  checkEvicted('an emptyDir that outgrows its limit ends the pod', {
    spec: {
      containers: [{ ...shell('dd if=/dev/zero of=/v/big bs=1M count=3; sleep 1000'), volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
      volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }],
    },
    message: 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
  })
  checkEvicted("a container's own files count against its limit", {
    spec: {
      containers: [
        { ...shell('dd if=/dev/zero of=/big bs=1M count=3; sleep 1000'), resources: { limits: { 'ephemeral-storage': '1Mi' } } },
        { ...shell('sleep 1000'), name: 'other', resources: { limits: { 'ephemeral-storage': '50Mi' } } },
      ],
    },
    message: 'Container main exceeded its local ephemeral storage limit "1Mi". ',
  })

  function checkEvicted(name: string, { spec, message }: { spec: Partial<PodSpec>; message: string }): void {
    test(name, async () => {
      await world.create('greedy', spec)
      const pod = await world.until('greedy', isOver)
      assert.equal(pod?.status?.phase, 'Failed')
      assert.equal(pod?.status?.reason, 'Evicted')
      assert.equal(pod?.status?.message, message)
      assert.equal(await world.untilEvent('greedy', 'Evicted'), message)
      await world.remove('greedy')
      await world.client.resource(kindRefs.coreV1.events, 'default').deleteCollection({})
    })
  }

  test('what this engine cannot do is told in words', async () => {
    const volumeMounts: VolumeMount[] = [{ name: 'v', mountPath: '/v', readOnly: true, recursiveReadOnly: 'Enabled' }]
    await world.create('recursive', { containers: [{ ...shell('true'), volumeMounts }], volumes: [{ name: 'v', emptyDir: {} }] })
    const refused = await world.until('recursive', (pod) => first(pod)?.state?.waiting?.reason === 'CreateContainerConfigError')
    assert.equal(
      first(refused)?.state?.waiting?.message,
      'failed to resolve recursive read-only mode: volume "v" requested recursive read-only mode, but it is not supported by the runtime',
    )
    await world.remove('recursive')
    await world.create('userns', { hostUsers: false, containers: [shell('true')] })
    assert.match(
      await world.untilEvent('userns', 'FailedCreatePodSandBox'),
      /can't set `spec.hostUsers: false`, RuntimeClass handler "" does not support user namespaces/,
    )
    await world.remove('userns')
  })

  test('nothing of a subPath stays mounted', () => {
    assert.deepEqual(mountPointsUnder(world.files.rootDir), [join(world.files.rootDir, 'memory')])
    assert.deepEqual(readdirSync(join(world.files.rootDir, 'pods')), [])
  })
}
