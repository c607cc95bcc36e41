// Builds dist/: one ESM bundle for the executable and one for each worker thread. Written beside and moved into place, so that a
// server that starts meanwhile never reads half a file.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { deferImports } from './defer-imports.ts'
import { mergeChunks } from './merge-chunks.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'dist')
const staging = join(root, `dist/.staging-${process.pid}`)
mkdirSync(staging, { recursive: true })

/** Workers are entries of their own, named as their sources: `new URL('./sqlite-worker.ts', import.meta.url)` becomes `./sqlite-worker.js`. */
const workers = [...new Set(readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((f) => /-worker\.ts$/.test(f)))]

/**
 * Imports of Node's own modules become plain property accesses. An ES import reads every export of the module at once, the lazy
 * ones too: for `node:http` that loads all of undici, a fifth of the time that a server needs to start. See defer-imports.ts, too.
 */
const builtinsOnDemand: Plugin = {
  name: 'builtins-on-demand',
  setup: (bundle) => {
    // Its name here, without a slash, makes that of its function: `require_node_fs_promises`.
    bundle.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path: path.replaceAll('/', '_'), namespace: 'builtin', pluginData: path } : undefined,
    )
    bundle.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ pluginData }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(pluginData)})`,
    }))
  },
}

/**
 * Facts in JSON stay text until the module that has them runs: as literals V8 would compile them, keep them beside their code, and copy
 * them, which takes longer and twice the memory.
 */
const factsAsText: Plugin = {
  name: 'facts-as-text',
  setup: (bundle) => {
    bundle.onLoad({ filter: /[\\/]src[\\/].*\.json$/ }, ({ path }) => ({
      contents: `export default JSON.parse(${JSON.stringify(JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))))})`,
      loader: 'js',
    }))
  },
}

/** Its CommonJS build, which defer-imports.ts reads when it is used; the other would run at every start. */
const yamlOnDemand: Plugin = {
  name: 'yaml-on-demand',
  setup: (bundle) => {
    bundle.onResolve({ filter: /^js-yaml$/ }, ({ path }) => ({ path: createRequire(import.meta.url).resolve(path) }))
  },
}

const { metafile } = await build({
  entryPoints: [
    { in: join(root, 'src/roles/main.ts'), out: 'keelson' },
    ...workers.map((f) => ({ in: join(root, 'src', f), out: f.replace(/^.*\//, '').replace(/\.ts$/, '') })),
  ],
  outdir: staging,
  bundle: true,
  platform: 'node',
  // A module's own ESM build: see refuseHiddenNames.
  mainFields: ['module', 'main'],
  target: 'node26',
  format: 'esm',
  splitting: true,
  chunkNames: 'chunk-[hash]',
  sourcemap: false,
  minify: false,
  logLevel: 'warning',
  metafile: true,
  absWorkingDir: root,
  // For CommonJS modules; made when one asks.
  banner: {
    js: "const require = (id) => process.getBuiltinModule(id) ?? process.getBuiltinModule('module').createRequire(import.meta.url)(id);",
  },
  define: { KEELSON_BUILD: JSON.stringify(buildOf()) },
  plugins: [builtinsOnDemand, factsAsText, yamlOnDemand],
})
refuseHiddenNames()
await mergeChunks({
  dir: staging,
  metafile,
  main: 'src/roles/main.ts',
  roles: [
    { entry: 'src/roles/server.ts' },
    { entry: 'src/roles/control-loops.ts', after: 'src/roles/server.ts' },
    { entry: 'src/roles/simulated-nodes.ts', after: 'src/roles/server.ts' },
    { entry: 'src/roles/agent.ts' },
    { entry: 'src/cli/program.ts' },
  ],
})
const files = readdirSync(staging)
for (const file of files) {
  deferImports(join(staging, file))
  writeAscii(join(staging, file))
}
for (const file of files.filter((f) => f !== 'keelson.js')) renameSync(join(staging, file), join(out, file))
renameSync(join(staging, 'keelson.js'), join(out, 'keelson.js'))
rmSync(staging, { recursive: true })
for (const file of readdirSync(out)) if (/^(chunk|start)-.*\.js$/.test(file) && !files.includes(file)) rmSync(join(out, file))

/** Of which commit it is made, and when that was; where there is no repository, or it is somebody else's, nobody can say. */
function buildOf(): { commit: string; treeState: string; date: string } {
  const git = (...args: readonly string[]) =>
    spawnSync('git', ['-C', root, ...args], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } })
  const { status, stdout } = git('log', '-1', '--format=%H %cd', '--date=format-local:%Y-%m-%dT%H:%M:%SZ', '--', root)
  const [commit, date] = stdout?.trim().split(' ') ?? []
  if (status !== 0 || !commit || !date) return { commit: 'unknown', treeState: 'dirty', date: '1970-01-01T00:00:00Z' }
  return { commit, treeState: git('status', '--porcelain').stdout.trim() === '' ? 'clean' : 'dirty', date }
}

/** One character beyond Latin, in a comment or a pattern, and V8 keeps the whole file with two bytes for each: twice the memory. */
function writeAscii(file: string): void {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/[\u0080-\uffff]/g, escaped))
}

/** Imported dynamically, a CommonJS module hides its names behind `default`: a module of ours that imports it statically goes between. */
function refuseHiddenNames(): void {
  const forItsEffectAlone = 'node_modules/reflect-metadata/Reflect.js'
  for (const [importer, { imports }] of Object.entries(metafile.inputs)) {
    for (const { kind, path } of imports) {
      if (kind !== 'dynamic-import' || metafile.inputs[path]?.format !== 'cjs' || path === forItsEffectAlone) continue
      throw new Error(`${importer} imports ${path} dynamically, which is CommonJS: its names would be undefined`)
    }
  }
}
