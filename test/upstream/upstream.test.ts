/** The same requests, the same answers as Kubernetes 1.36: recorded from it by `record.ts`, compared whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { caseFiles, casesOf, recordedOf } from './case-files.ts'
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
    const own = await ownApi()
    const answers = await runCases(`upstream-${name}`, cases, own.send)
    await own.close()
    for (const [i, one] of cases.entries()) {
      const expected = recorded.get(one.name)!
      await t.test(one.name, () => assert.deepEqual(answers[i], expected.ours ?? expected.answers))
    }
  })
}
