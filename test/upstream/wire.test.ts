/** HTTP at its edges: the same bytes, the same answers as Kubernetes 1.36, recorded from it by `record-wire.ts`. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createHttpFront } from '../../src/apiserver/http-front.ts'
import { silentLog } from '../../src/base/log.ts'
import { issueCertificate, newAuthority } from '../../src/platform/pki/certificate.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { administratorToken, ownApi } from './own-api.ts'
import { type WireRecord, wireRecords } from './wire.ts'

const recorded = readFileSync(new URL('wire.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as WireRecord)

test('HTTP at its edges answers as upstream', async (t) => {
  const span = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2040, 0, 1) }
  const authority = newAuthority({ commonName: 'ca', ...span })
  const server = issueCertificate(authority, { subject: { commonName: 'server' }, usages: ['server'], hosts: ['127.0.0.1'], ...span })
  const own = await ownApi()
  const front = createHttpFront({
    handle: own.handle,
    upgrade: () => Promise.reject(new Error('nothing is taken over')),
    tls: { certificate: server.cert, key: server.key, clientCa: authority.cert },
    clock: systemClock,
    log: silentLog,
  })
  const at = await front.listen({ host: '127.0.0.1', port: 0 })
  const records = await wireRecords({ ...at, ca: authority.cert, token: administratorToken })
  await front.close(0)
  await own.close()
  assert.deepEqual(
    records.map((one) => one.case),
    recorded.map((one) => one.case),
    'recorded anew after the cases were changed',
  )
  for (const [i, wanted] of recorded.entries()) await t.test(wanted.case, () => assert.deepEqual(records[i]!.answers, wanted.answers))
})
