// node test/upstream/record-audit.ts --server URL --ca FILE --token TOKEN --log FILE
// Asks a Kubernetes API server of 1.36 without controllers that runs with `--audit-policy-file test/upstream/audit-policy.yaml` and
// `--audit-log-path FILE`, and writes the events for `audit.test.ts` to compare with.
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { auditedCases } from './audit-events.ts'
import { toUpstream } from './to-upstream.ts'

const { values } = parseArgs({
  options: { server: { type: 'string' }, ca: { type: 'string' }, token: { type: 'string' }, log: { type: 'string' } },
})
const { server, ca, token, log } = values
if (!server || !ca || !token || !log) throw new Error('--server, --ca, --token and --log are needed')
const events = async () => {
  const lines = (await readFile(log, 'utf8')).trim().split('\n')
  return lines.map((line) => JSON.parse(line) as { readonly auditID?: string })
}
const before = (await events()).length
const audited = await auditedCases(toUpstream({ server, ca, token }), async () => (await events()).slice(before))
await writeFile(new URL('audit.jsonl', import.meta.url), audited.map((one) => `${JSON.stringify(one)}\n`).join(''))
console.log(`${audited.length} requests recorded`)
