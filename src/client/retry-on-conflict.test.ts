import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { createTestApi } from '../apiserver/test-api.ts'
import { isStatus } from '../machinery/status-error.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createClientset } from './clientset.ts'
import { retryOnConflict } from './retry-on-conflict.ts'

const clock = virtualClock()
const random = seededRandom(1)

/** A write of an object that somebody else changes `others` times in between; gives how often it was tried. */
async function written(others: number): Promise<number> {
  const { api, client } = await createTestApi({ clock, random })
  const maps = createClientset(client).coreV1().configMaps('default')
  await maps.create({ metadata: { name: 'shared' }, data: { writer: 'nobody' } })
  let attempts = 0
  const writing = retryOnConflict(
    async () => {
      const map = await maps.get('shared')
      if (attempts++ < others) await maps.patch('shared', { type: 'merge', body: { data: { writer: `other-${attempts}` } } })
      await maps.update({ ...map, data: { writer: 'me' } })
    },
    { clock, random },
  )
  const settled = Promise.allSettled([writing])
  await clock.advance(10_000)
  const [outcome] = await settled
  await api.close()
  if (outcome.status === 'rejected') throw outcome.reason
  return attempts
}

test('an update is made anew from what another wrote in between', async () => {
  assert.equal(await written(0), 1)
  assert.equal(await written(4), 5)
})

test('the fifth conflict is thrown', async () => {
  await assert.rejects(written(5), (error) => isStatus(error, 'Conflict'))
})

test('another failure is thrown at once', async () => {
  let attempts = 0
  const failing = retryOnConflict(
    () => {
      attempts++
      return Promise.reject(new Error('broken'))
    },
    { clock, random },
  )
  await assert.rejects(failing, /broken/)
  assert.equal(attempts, 1)
})
