import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** Made by scripts/setup-tests.sh of test/clients/go/library. */
const program = resolve('.cache/clients/go-library')

export type Question = {
  readonly ask: string
  readonly type?: string
  readonly a?: string
  readonly b?: string
  readonly list?: readonly string[]
}

export type Answer = { readonly text?: string; readonly error?: string; readonly code?: number }

/** False where there was no Go to build it; or why to skip. */
export const missing = existsSync(program) ? false : 'needs Go 1.26 or newer, which makes .cache/clients/go-library'

const bytesMax = 1 << 28

/** What the libraries answer: one answer to each, or the several that it now and then is. */
export function askLibrary(questions: readonly Question[]): readonly (readonly Answer[])[] {
  const input = questions.map((question) => JSON.stringify(question)).join('\n')
  const { stdout, stderr, status } = spawnSync(program, { input, maxBuffer: bytesMax, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the library program ended with ${status}: ${stderr}`)
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer[])
  if (answers.length !== questions.length) throw new Error(`${answers.length} answers to ${questions.length} questions: ${stderr}`)
  return answers
}
