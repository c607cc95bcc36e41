// What real containers are given and what is told of them, by the texts of the conformance suite: a pod a text, all at once.
import assert from 'node:assert/strict'
import { arch } from 'node:os'
import { after, before, test } from 'node:test'
import { busyboxImage } from '../../scripts/images/busybox.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { Node } from '../../src/kinds/generated/types/core-v1.ts'
import { importImages } from '../../src/node/containerd/import-images.ts'
import { type OciImage, ociImage, ociLayoutTar } from '../../src/node/containerd/oci-image.ts'
import { type AgentWorld, first, isOver, startAgentWorld } from './agent-world.ts'
import { binary, configMapData, containerCases, secretData } from './container-cases.ts'
import { ownNamespace } from './own-namespace.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

function declareTests(place: NonNullable<typeof own>): void {
  let world: AgentWorld
  let node: Node

  before(async () => {
    world = await startAgentWorld(place)
    const speaker = busyboxImage({ entrypoint: ['/bin/echo', 'entrypoint'], cmd: ['cmd'] })
    const images = [
      { name: 'localhost/speaker:1', image: speaker },
      { name: 'localhost/files:1', image: twoLayers() },
    ]
    await importImages(world.supervisor.socket, ociLayoutTar(images))
    await createObjects(world)
    for (const [i, { spec, labels, annotations }] of containerCases.entries()) {
      await world.create(`case-${i}`, { restartPolicy: 'Never', ...spec }, { labels: { ...labels }, annotations: { ...annotations } })
    }
    node = await world.client.resource(kindRefs.coreV1.nodes).get('n1')
  })
  after(() => world.close())

  for (const [i, { title, phase = 'Succeeded', log, says, status, shows }] of containerCases.entries()) {
    test(title, async () => {
      const pod = (await world.until(`case-${i}`, isOver, 120_000))!
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
}

/** Not to run, but to be looked into. */
function twoLayers(): OciImage {
  const file = (path: string, content: string) => ({ type: 'file' as const, path, mode: 0o644, content: Buffer.from(content) })
  const directory = { type: 'directory' as const, path: 'dir', mode: 0o755 }
  return ociImage({
    architecture: arch() === 'arm64' ? 'arm64' : 'amd64',
    layers: [[directory, file('dir/text', 'first layer\n')], [file('dir/other', 'second layer\n')]],
    config: {},
  })
}

async function createObjects({ client }: AgentWorld): Promise<void> {
  const base64 = (data: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  const maps = client.resource(kindRefs.coreV1.configMaps, 'default')
  const secrets = client.resource(kindRefs.coreV1.secrets, 'default')
  const blob = binary.toString('base64')
  await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data: configMapData, binaryData: { blob } })
  await secrets.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, data: { ...base64(secretData), blob } })
  await secrets.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'text' }, data: base64(secretData) })
}
