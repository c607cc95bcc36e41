/**
 * The library as a package that can be installed anywhere: `dist/package`, JavaScript with its types, of what the entries reach. In a
 * checkout the same entries are the sources; but Node runs no TypeScript below node_modules. `npm pack ./dist/package` makes one file of it.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const target = 'dist/package'

type Manifest = {
  readonly version: string
  readonly description: string
  readonly license: string
  readonly exports: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

rmSync(target, { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.package.json'], { stdio: 'inherit' })
if (status !== 0) throw new Error('the sources do not compile')
for (const file of ['README.md', 'LICENSE']) cpSync(file, join(target, file))
writeFileSync(join(target, 'package.json'), `${JSON.stringify(packageManifest(), null, 2)}\n`)

function packageManifest(): object {
  const { version, description, license, exports, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
  const text = globSync(`${target}/lib/**/*.js`)
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  const isUsed = (name: string) => text.includes(`'${name}'`) || text.includes(`'${name}/`)
  const entryOf = (source: string) => source.replace('./src/', './lib/').replace(/\.ts$/, '')
  return {
    name: 'keelson',
    version,
    description,
    license,
    type: 'module',
    engines: { node: '>=22.18' },
    exports: Object.fromEntries(
      Object.entries(exports).map(([name, source]) => [name, { types: `${entryOf(source)}.d.ts`, default: `${entryOf(source)}.js` }]),
    ),
    dependencies: Object.fromEntries(Object.entries(dependencies).filter(([name]) => isUsed(name))),
  }
}
