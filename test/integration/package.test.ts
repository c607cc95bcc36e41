/** The library as others install it: JavaScript with its types, below node_modules, with nothing of the checkout around it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { docBlocks } from '../tidy/doc-blocks.ts'

const project = mkdtempSync(join(tmpdir(), 'keelson-package-'))
after(() => rmSync(project, { recursive: true, force: true }))

/** The program of the page, and something of each other entry. */
const block = docBlocks('docs/typescript.md', 'ts').find(({ heading }) => heading === 'A cluster inside a test')!
const program = `
import { isStatus } from 'keelson/client'
import { runControllers } from 'keelson/controllers'
import type { Plugin } from 'keelson/scheduler'
${block.text}
const named: Pick<Plugin, 'name'> = { name: 'Mine' }
console.log(named.name, isStatus(new Error('no')), typeof runControllers)
`

before(() => {
  const made = spawnSync(process.execPath, ['scripts/package.ts'], { encoding: 'utf8' })
  assert.equal(made.status, 0, made.stdout + made.stderr)
  const installed = join(project, 'node_modules/keelson')
  cpSync('dist/package', installed, { recursive: true })
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  for (const name of [...Object.keys(dependencies), '@types/node', 'undici-types']) {
    const place = join(project, 'node_modules', name)
    mkdirSync(dirname(place), { recursive: true })
    symlinkSync(resolve('node_modules', name), place)
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', type: 'module' }))
  writeFileSync(join(project, 'program.ts'), program)
})

test('a program that uses it compiles, library and all', () => {
  const options = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: ['node'], skipLibCheck: true }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.ts'] }))
  const { status, stdout } = spawnSync(resolve('node_modules/.bin/tsc'), ['-p', project], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

test('it runs', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['program.ts'], { cwd: project, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^virtual seconds \d+\nMine false function\n$/)
})
