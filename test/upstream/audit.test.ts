/** The audit log tells of the same requests what Kubernetes 1.36 tells of them: recorded by `record-audit.ts`, compared whole. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createAuditLog } from '../../src/apiserver/audit/audit-log.ts'
import { parseAuditPolicy } from '../../src/apiserver/audit/policy.ts'
import { seededRandom } from '../../src/base/random.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { type AuditedCase, auditedCases } from './audit-events.ts'
import { ownApi } from './own-api.ts'

const textOf = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8')
const recorded = textOf('audit.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as AuditedCase)

test('audit events tell what upstream tells', async (t) => {
  const events: object[] = []
  const sink = { write: (event: object) => void events.push(event), full: () => undefined, close: async () => {} }
  const policy = parseAuditPolicy(textOf('audit-policy.yaml'))
  const audit = createAuditLog({ policy, backends: [{ sink }], clock: systemClock, random: seededRandom(1) })
  const own = await ownApi({ audit })
  const audited = await auditedCases(own.send, async () => events.map((event) => JSON.parse(JSON.stringify(event)) as object))
  await own.close()
  assert.deepEqual(
    audited.map(({ id }) => id),
    recorded.map(({ id }) => id),
    'recorded anew after the cases were changed',
  )
  for (const [i, { id, events: wanted }] of recorded.entries()) await t.test(id, () => assert.deepEqual(audited[i]!.events, wanted))
})
