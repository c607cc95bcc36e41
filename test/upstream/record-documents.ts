// node test/upstream/record-documents.ts --server URL --ca FILE --token TOKEN
// Asks a Kubernetes API server of 1.36 for the documents that tell what it serves, and writes what `documents.test.ts` compares.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { customDocumentsOf } from './custom-documents.ts'
import { documentsOf } from './documents.ts'
import { toUpstream } from './to-upstream.ts'

const { values } = parseArgs({ options: { server: { type: 'string' }, ca: { type: 'string' }, token: { type: 'string' } } })
const { server, ca, token } = values
if (!server || !ca || !token) throw new Error('--server, --ca and --token are needed')
const send = toUpstream({ server, ca, token })
const write = (file: string, documents: Readonly<Record<string, unknown>>) => {
  const lines = Object.entries(documents).map(([path, document]) => `${JSON.stringify({ path, document })}\n`)
  writeFileSync(new URL(file, import.meta.url), lines.join(''))
}
write('documents.jsonl', await documentsOf(send))
write('custom-documents.jsonl', await customDocumentsOf(send))
