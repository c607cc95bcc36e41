import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { lifeLeft, renewedIdentity, untilRenewal } from './certificate-renewal.ts'

const hourMs = 3600_000
const dayMs = 24 * hourMs

function setUp(life: { readonly clientMs: number; readonly serverMs: number }) {
  const clock = virtualClock()
  const authority = newAuthority({ commonName: 'ca', notBeforeMs: clock.now(), notAfterMs: clock.now() + 4000 * dayMs })
  const issue = (lifeMs: number) =>
    issueCertificate(authority, {
      subject: { commonName: 'system:node:n' },
      usages: ['client'],
      notBeforeMs: clock.now(),
      notAfterMs: clock.now() + lifeMs,
    })
  return { clock, identity: () => ({ client: issue(life.clientMs), server: issue(life.serverMs) }) }
}

test('the certificate that ends first says when both are looked at, within its life however short it is', async () => {
  const { clock, identity } = setUp({ clientMs: dayMs, serverMs: 10 * hourMs })
  const first = identity()
  const second = identity()
  let renewals = 0
  const renewed = renewedIdentity(
    first,
    {
      clock,
      log: silentLog,
      renew: async () => {
        renewals++
        return second
      },
      onRefused: () => assert.fail('nothing was refused'),
    },
    new AbortController().signal,
  )
  await clock.advance(6.9 * hourMs)
  assert.equal(renewals, 0)
  await clock.advance(0.2 * hourMs)
  assert.equal(await renewed, second)
  assert.ok(lifeLeft(first.server, clock.now()) > 0.28)
})

test('a refusal is tried again, and the node goes on meanwhile', async () => {
  const { clock, identity } = setUp({ clientMs: dayMs, serverMs: dayMs })
  let attempts = 0
  let isDone = false
  let refusals = 0
  const renewed = renewedIdentity(
    identity(),
    {
      clock,
      log: silentLog,
      renew: async () => {
        if (++attempts < 3) throw new Error('the certificate was refused')
        return identity()
      },
      onRefused: () => void refusals++,
    },
    new AbortController().signal,
  ).then(() => (isDone = true))
  await clock.advance(0.7 * dayMs + 60_000)
  assert.deepEqual([attempts, isDone], [1, false])
  await clock.advance(1_200_000)
  await renewed
  assert.deepEqual([attempts, refusals], [3, 2])
})

test('a certificate of years waits in steps that a timer can hold, and the end of the node ends the wait', async () => {
  const { clock, identity } = setUp({ clientMs: 1000 * dayMs, serverMs: 1000 * dayMs })
  let isDue = false
  const { client, server } = identity()
  void untilRenewal([client, server], clock, new AbortController().signal).then(() => (isDue = true))
  await clock.advance(699 * dayMs)
  assert.equal(isDue, false)
  await clock.advance(2 * dayMs)
  assert.equal(isDue, true)
  const ending = new AbortController()
  const waiting = untilRenewal([identity().client], clock, ending.signal)
  ending.abort(new Error('the agent is stopping'))
  await assert.rejects(waiting, /the agent is stopping/)
  assert.equal(clock.pendingTimers(), 0)
})
