import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { RegistryAuth } from '../runtime/contract.ts'
import { createFakeRuntime } from '../runtime/fake/fake-runtime.ts'
import { ImagePuller } from './image-puller.ts'
import { PullRecords } from './pull-records.ts'

const image = 'registry.test/app:1'
const podOf = (name: string): Pod => ({ metadata: { name } })

test('an image that came with the secret of one pod is asked for again for a pod without it', async () => {
  const clock = virtualClock()
  const told: string[] = []
  const credentials: Record<string, RegistryAuth[]> = { ann: [{ username: 'ann', password: 'x' }] }
  const puller = new ImagePuller({
    clock,
    runtime: createFakeRuntime({ clock, random: seededRandom(1) }),
    parallelPulls: 1,
    records: new PullRecords({ stored: undefined, keep: () => {} }),
    credentials: async (pod) => credentials[pod.metadata.name ?? ''] ?? [],
    event: (pod, { reason }) => told.push(`${pod.metadata.name} ${reason}`),
  })
  const ensure = async (name: string, pullPolicy: string) => {
    const ensuring = puller.ensure(podOf(name), { image, pullPolicy, fieldPath: undefined }, new AbortController().signal)
    const settled = ensuring.catch((error: Error) => told.push(`${name}: ${error.message}`))
    await clock.advance(60_000)
    await settled
  }
  await ensure('ann', 'IfNotPresent')
  await ensure('ann', 'IfNotPresent')
  await ensure('bob', 'Never')
  await ensure('bob', 'IfNotPresent')
  assert.deepEqual(told, [
    ...['ann Pulling', 'ann Pulled', 'ann Pulled'],
    ...['bob ErrImageNeverPull', 'bob Failed', `bob: Container image "${image}" is not present with pull policy of Never`],
    ...['bob Pulling', 'bob Pulled'],
  ])
})
