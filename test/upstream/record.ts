// node test/upstream/record.ts --server URL --ca FILE --token TOKEN [--feature-gates GATES] [--service-range RANGE] [--abac-policies FILE] [FILE-OF-CASES …]
// Asks a Kubernetes API server of 1.36 without controllers, and writes its answers for `upstream.test.ts` to compare with.
// Its administrator: user `test` in the group `system:masters`. Cases that differ on purpose keep Keelson's answers beside. A file that
// states `featureGates` is asked only of a server that has them on, which `--feature-gates` says; and one that states `serviceRange` only of
// one whose services have their addresses there, which `--service-range` says; one that states `abacPolicies` only of one that judges by the
// file with these lines after its roles, which `--abac-policies` names. One of policies that are checked for their types needs the
// controller manager beside the server: `--policy-types`.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  abacPoliciesOf,
  caseFiles,
  casesOf,
  checksPolicyTypesOf,
  featureGatesOf,
  givenOf,
  serviceRangeOf,
  writeRecorded,
} from './case-files.ts'
import { caseHooks } from './case-hooks.ts'
import { ownApi } from './own-api.ts'
import { type Place, removeNamespace, runCases } from './run-cases.ts'
import { toUpstream } from './to-upstream.ts'
import type { Answer, Case } from './upstream-case.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string' },
    ca: { type: 'string' },
    token: { type: 'string' },
    'feature-gates': { type: 'string' },
    'service-range': { type: 'string' },
    'abac-policies': { type: 'string' },
    'policy-types': { type: 'boolean', default: false },
  },
})
if (!values.server || !values.ca || !values.token) throw new Error('--server, --ca and --token are needed')
const send = toUpstream({ server: values.server, ca: values.ca, token: values.token })

/** Whether the server that is asked has the policies of the file, or none where it states none. */
async function hasPolicies(name: string): Promise<boolean> {
  const path = values['abac-policies']
  return (await abacPoliciesOf(name)) === (path === undefined ? undefined : readFileSync(path, 'utf8'))
}

async function ownAnswers(name: string, place: Place, cases: readonly Case[]): Promise<Answer[][]> {
  const own = await ownApi({
    serviceCidr: await serviceRangeOf(name),
    abacPolicies: await abacPoliciesOf(name),
    checksPolicyTypes: await checksPolicyTypesOf(name),
  })
  const answers = await runCases(place, cases, own.send)
  await own.close()
  return answers
}

for (const name of positionals.length > 0 ? positionals : caseFiles()) {
  if ((await featureGatesOf(name)) !== (values['feature-gates'] ?? '')) continue
  if ((await serviceRangeOf(name)) !== values['service-range']) continue
  if ((await checksPolicyTypesOf(name)) !== values['policy-types']) continue
  if (!(await hasPolicies(name))) continue
  const cases = await casesOf(name)
  const namespace = `upstream-${name}`
  const hooks = await caseHooks(name)
  const place = { namespace, given: await givenOf(name), fill: hooks.fill }
  const answers = await runCases(place, cases, send)
  await removeNamespace(namespace, send)
  const differing = cases.filter((one) => one.differs)
  const ours = differing.length > 0 ? await ownAnswers(name, place, differing) : []
  writeRecorded(
    name,
    cases.map((one, i) => ({ case: one.name, answers: answers[i]!, ...(one.differs ? { ours: ours[differing.indexOf(one)]! } : {}) })),
  )
  await hooks.close()
  console.log(`${name}: ${cases.length} cases recorded`)
}
