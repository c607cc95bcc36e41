// The tutorial, run as it is written: every shell block, in order, in one shell of a newcomer.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { docBlocks } from '../tidy/doc-blocks.ts'
import { run } from './cluster.ts'

const blocks = docBlocks('docs/tutorial.md', 'sh').map((block) => block.text)

test('every command of the tutorial works, from nothing to nothing', async () => {
  assert(blocks.length >= 7)
  const home = mkdtempSync(join(tmpdir(), 'keelson-tutorial-'))
  const env = {
    ...process.env,
    HOME: home,
    KUBECONFIG: '',
    KEELSON_DATA_DIR: join(home, 'data'),
    PATH: `${resolve('.cache/clients')}:${process.env.PATH}`,
  }
  const script = `set -euo pipefail\nset -x\n${blocks.join('\n')}\n./keelson down --delete\n`
  // A process group of its own: what the tutorial starts in the background ends with it.
  const shell = spawn('bash', ['-c', script], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  shell.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  shell.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise((done) => shell.once('exit', done))
  try {
    process.kill(-shell.pid!, 'SIGTERM')
  } catch {
    // Nothing was left.
  }
  if (code !== 0) await run(resolve('keelson'), ['down', '--delete'], { env, mayFail: true })
  assert.equal(code, 0, output)
  rmSync(home, { recursive: true, force: true })
  // The message is the whole output: assert.match would cut out its middle, where the answers are.
  for (const answer of ['"title":"Oak keelson"', '"number":1,"product":"oak"']) assert(output.includes(answer), `no ${answer} in ${output}`)
})
