// Makes src/kinds/generated/go-types.json: what Go calls the type of a field where it has a name of its own, which the decoder's errors
// tell. Asks the program of test/clients/go/library, which scripts/setup-tests.sh builds.
import { writeFileSync } from 'node:fs'
import definitions from '../src/kinds/generated/schemas.json' with { type: 'json' }
import { askLibrary } from '../test/clients/library/library.ts'

const [answers] = askLibrary([{ ask: 'typeNames' }])
const names = JSON.parse(answers?.[0]?.text ?? '') as Record<string, Record<string, string>>
const lines = Object.keys(names)
  .filter((definition) => definition in definitions)
  .sort()
  .map((definition) => `${JSON.stringify(definition)}:${JSON.stringify(names[definition])}`)
writeFileSync('src/kinds/generated/go-types.json', `{\n${lines.join(',\n')}\n}\n`)
