// node scripts/generate-server-reference.ts: writes the flags of `keelson server` into docs/reference/server.md; a test compares them.
import { readFileSync, writeFileSync } from 'node:fs'
import { serverReference } from '../src/roles/options/server-flags.ts'

const file = 'docs/reference/server.md'
const page = readFileSync(file, 'utf8')
writeFileSync(file, page.slice(0, page.indexOf('\n## ') + 1) + serverReference())
