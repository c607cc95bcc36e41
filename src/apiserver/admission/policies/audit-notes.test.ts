/** What policies note in the audit log of requests that they judge. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../../base/random.ts'
import { virtualClock } from '../../../platform/virtual-clock.ts'
import type { AuditEntry } from '../../audit/audit-event.ts'
import { createTestApi, keptAudit } from '../../test-api.ts'
import { sender } from '../../test-requests.ts'

const entries: AuditEntry[] = []
const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(1), audit: keptAudit(entries) })
after(() => api.close())
const send = sender(api)
const registration = '/apis/admissionregistration.k8s.io/v1'
const name = 'notes.example.com'

const policy = await send('POST', `${registration}/validatingadmissionpolicies`, {
  body: {
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
      },
      auditAnnotations: [{ key: 'note', valueExpression: 'string(object.data.note)' }],
    },
  },
})
assert.equal(policy.code, 201, policy.text)
const binding = await send('POST', `${registration}/validatingadmissionpolicybindings`, {
  body: { metadata: { name }, spec: { policyName: name, validationActions: ['Deny'] } },
})
assert.equal(binding.code, 201, binding.text)
await clock.settle()

async function noteOf(title: string, data: object): Promise<string | undefined> {
  const { code, text } = await send('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: title }, data } })
  assert.equal(code, 201, text)
  return entries.at(-1)!.annotations?.[`${name}/note`]
}

for (const [title, bytes, kept] of [
  ['short', 10, 10],
  ['longest', 10_240, 10_240],
  ['longer', 10_241, 10_240],
  ['long', 30_000, 10_240],
] as const)
  test(`a note of ${bytes} bytes has ${kept} in the log`, async () =>
    assert.equal(await noteOf(title, { note: 'x'.repeat(bytes) }), 'x'.repeat(kept)))

test('bytes count, not letters', async () => {
  assert.equal(await noteOf('wide', { note: 'é'.repeat(6_000) }), 'é'.repeat(5_120))
})
