import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { createClientset } from '../../client/clientset.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'

test('a service that goes with the very change that asks for a port does not keep it', async () => {
  const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(1) })
  const services = createClientset(client).coreV1().services('default')
  const spec = (...nodePorts: number[]) => ({
    type: 'NodePort' as const,
    ports: nodePorts.map((nodePort, i) => ({ name: `p${i}`, port: i + 1, nodePort })),
  })
  await services.create({ metadata: { name: 'going', finalizers: ['example.com/held'] }, spec: spec(30_100) })
  await services.delete('going')
  const going = await services.get('going')
  await services.update({ ...going, metadata: { ...going.metadata, finalizers: [] }, spec: { ...going.spec, ...spec(30_100, 30_101) } })
  const { spec: held } = await services.create({ metadata: { name: 'next' }, spec: spec(30_100, 30_101) })
  assert.deepEqual(
    held?.ports?.map((port) => port.nodePort),
    [30_100, 30_101],
  )
  await api.close()
})
