import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { createLoopContext } from '../control/loop-context.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createScheduler } from './loop.ts'

test('a scheduler that has ended follows nothing any more: the informers live on for the next one', async () => {
  const clock = virtualClock()
  const random = seededRandom(1)
  const { api, client } = await createTestApi({ clock, random })
  const informers = new InformerFactory({ client, clock, random, log: silentLog })
  const stop = new AbortController()
  const context = createLoopContext({ component: 'default-scheduler', client, informers, clock, random, log: silentLog })
  let following = 0
  const counted = new Set<object>()
  const counting = {
    ...context,
    informer: (kind: Parameters<typeof context.informer>[0]) => {
      const informer = context.informer(kind)
      if (counted.has(informer)) return informer
      counted.add(informer)
      const onChange = informer.onChange.bind(informer)
      return Object.assign(informer, {
        onChange: (handler: Parameters<typeof onChange>[0]) => {
          const remove = onChange(handler)
          following++
          return () => {
            following--
            remove()
          }
        },
      })
    },
  } as typeof context
  const lease = new AbortController()
  const scheduler = createScheduler({ context: counting })
  informers.start(stop.signal)
  const running = scheduler.run(lease.signal)
  await clock.advance(1_000)
  assert.ok(following > 10, `${following} handlers while it runs`)
  lease.abort()
  await clock.advance(1_000)
  await running
  assert.equal(following, 0)
  stop.abort()
  await api.close()
})
