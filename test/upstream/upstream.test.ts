/** The same requests, the same answers as Kubernetes 1.36: recorded from it by `record.ts`, compared whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { abacPoliciesOf, caseFiles, casesOf, checksPolicyTypesOf, givenOf, recordedOf, serviceRangeOf } from './case-files.ts'
import { caseHooks } from './case-hooks.ts'
import { ownApi } from './own-api.ts'
import { runCases } from './run-cases.ts'

for (const name of caseFiles()) {
  test(`${name}: answers as upstream's`, async (t) => {
    const cases = await casesOf(name)
    const recorded = recordedOf(name)
    assert.deepEqual(
      [...recorded.keys()],
      cases.map((one) => one.name),
      'recorded anew after the cases were changed',
    )
    const own = await ownApi({
      serviceCidr: await serviceRangeOf(name),
      abacPolicies: await abacPoliciesOf(name),
      checksPolicyTypes: await checksPolicyTypesOf(name),
    })
    const hooks = await caseHooks(name)
    const place = { namespace: `upstream-${name}`, given: await givenOf(name), fill: hooks.fill }
    const answers = await runCases(place, cases, own.send)
    await own.close()
    await hooks.close()
    for (const [i, one] of cases.entries()) {
      const expected = recorded.get(one.name)!
      const compared = one.withNulls ? (value: unknown) => value : withoutNulls
      const wanted = compared(expected.ours ?? expected.answers)
      await t.test(one.name, () => assert.deepEqual(compared(answers[i]), wanted))
    }
  })
}

/** Most answers were recorded without what is null: that it is written where upstream writes it is for those files that state `withNulls`. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([, field]) => field !== null)
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]))
}
