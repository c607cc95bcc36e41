// What real containers are given and what is told of them, by the texts of the conformance suite: a pod a text, all at once.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { busyboxImage } from '../../scripts/images/busybox.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { Node } from '../../src/kinds/generated/types/core-v1.ts'
import { importImages } from '../../src/node/containerd/import-images.ts'
import { ociLayoutTar } from '../../src/node/containerd/oci-image.ts'
import { type AgentWorld, first, isOver, startAgentWorld } from './agent-world.ts'
import { twoLayers } from './containers/images.ts'
import { longMs } from './containers/scenario.ts'
import { allCases, allScenarios } from './containers/all-cases.ts'
import { binary, configMapData, secretData } from './containers/container-case.ts'
import { ownNamespace } from './own-namespace.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

function declareTests(place: NonNullable<typeof own>): void {
  let world: AgentWorld
  let node: Node
  /** All at once: what each came to, undefined when it is well. */
  const scenarios: Promise<{ readonly error: unknown } | undefined>[] = []

  before(async () => {
    world = await startAgentWorld(place, { maxPods: 400 })
    const speaker = busyboxImage({ entrypoint: ['/bin/echo', 'entrypoint'], cmd: ['cmd'] })
    const images = [
      { name: 'localhost/speaker:1', image: speaker },
      { name: 'localhost/files:1', image: twoLayers() },
    ]
    await importImages(world.supervisor.socket, ociLayoutTar(images))
    await createObjects(world)
    // What takes longest begins first.
    for (const [i, { run }] of allScenarios.entries()) {
      scenarios.push(
        run(world, `scene-${i}`).then(
          () => undefined,
          (error: unknown) => ({ error }),
        ),
      )
    }
    for (const [i, { spec, labels, annotations }] of allCases.entries()) {
      await world.create(`case-${i}`, { restartPolicy: 'Never', ...spec }, { labels: { ...labels }, annotations: { ...annotations } })
    }
    node = await world.client.resource(kindRefs.coreV1.nodes).get('n1')
  })
  after(() => world.close())

  for (const [i, { title, phase = 'Succeeded', log, says, status, shows }] of allCases.entries()) {
    test(title, async () => {
      const pod = (await world.until(`case-${i}`, isOver, longMs))!
      assert.equal(pod.status?.phase, phase, JSON.stringify(pod.status))
      if (log) assert.deepEqual(world.logOf(pod).split('\n'), typeof log === 'function' ? log(pod, node) : log)
      if (says)
        assert.deepEqual(
          says.filter((line) => !world.logOf(pod).split('\n').includes(line)),
          [],
        )
      if (status) assert.deepEqual(status(first(pod)!), shows)
    })
  }

  for (const [i, { title }] of allScenarios.entries()) {
    test(title, async () => {
      const failure = await scenarios[i]
      if (failure) throw failure.error
    })
  }
}

async function createObjects({ client }: AgentWorld): Promise<void> {
  const base64 = (data: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  const maps = client.resource(kindRefs.coreV1.configMaps, 'default')
  const secrets = client.resource(kindRefs.coreV1.secrets, 'default')
  const blob = binary.toString('base64')
  await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data: configMapData, binaryData: { blob } })
  await secrets.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, data: { ...base64(secretData), blob } })
  for (const name of ['text', 'twice'])
    await secrets.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: base64(secretData) })
  await client.resource(kindRefs.coreV1.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } })
  await client
    .resource(kindRefs.coreV1.secrets, 'other')
    .create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'twice' }, data: base64({ 'data-1': 'of another namespace' }) })
}
