// node test/upstream/record-wire.ts --server URL --ca FILE --token TOKEN
// Sends what `wire-cases.ts` holds to a Kubernetes API server of 1.36, and writes its answers for `wire.test.ts` to compare with.
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { wireRecords } from './wire.ts'

const { values } = parseArgs({ options: { server: { type: 'string' }, ca: { type: 'string' }, token: { type: 'string' } } })
const { server, ca, token } = values
if (!server || !ca || !token) throw new Error('--server, --ca and --token are needed')
const { hostname, port } = new URL(server)
const records = await wireRecords({ host: hostname, port: Number(port), ca: await readFile(ca, 'utf8'), token })
await writeFile(new URL('wire.jsonl', import.meta.url), records.map((one) => `${JSON.stringify(one)}\n`).join(''))
console.log(`${records.length} cases recorded`)
