// What a role loads at its start comes in dozens of chunks, one for each set of entries that share a part. Each costs a start about a
// millisecond, so those that always come together are made one file.
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'

type Outputs = ReadonlyMap<string, Metafile['outputs'][string]>
type Group = { readonly file: string; readonly chunks: readonly string[] }

/** An entry point as the metafile names it. `after`: only ever loaded where that one has been. */
export type Role = { readonly entry: string; readonly after?: string }

type Merging = { readonly dir: string; readonly metafile: Metafile; readonly main: string; readonly roles: readonly Role[] }

/**
 * Merges, in `dir`, the chunks that the very same roles load at their start, but for those that `main` loads, whatever the role. A merged chunk stays as a file of re-exports, for what is
 * loaded later. Paths in the metafile are taken by their last part.
 */
export async function mergeChunks({ dir, metafile, main, roles }: Merging): Promise<void> {
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]))
  const groups = groupsOf(outputs, main, roles)
  const groupOf = new Map(groups.flatMap((group) => group.chunks.map((chunk) => [chunk, group])))
  const exportsOf = (chunk: string) => outputs.get(chunk)!.exports.map((name) => ({ name, merged: `${prefixOf(chunk)}_${name}` }))
  const facade = (chunk: string) =>
    `export { ${exportsOf(chunk)
      .map(({ name, merged }) => `${merged} as ${name}`)
      .join(', ')} } from './${groupOf.get(chunk)!.file}'\n`
  const within = (group: Group): Plugin => ({
    name: 'within-one-group',
    setup: (bundle) => {
      bundle.onResolve({ filter: /.*/ }, ({ path, kind }) => {
        const chunk = basename(path)
        if (kind === 'entry-point') return undefined
        if (kind !== 'import-statement' || !groupOf.has(chunk)) return { path, external: true }
        return groupOf.get(chunk) === group ? { path: join(dir, chunk) } : { path: chunk, namespace: 'facade' }
      })
      bundle.onLoad({ filter: /.*/, namespace: 'facade' }, ({ path }) => ({ contents: facade(path) }))
    },
  })
  const texts = await Promise.all(groups.map((group) => merged(group, { dir, exportsOf, plugin: within(group) })))
  for (const [i, group] of groups.entries()) {
    writeFileSync(join(dir, group.file), texts[i]!)
    for (const chunk of group.chunks) writeFileSync(join(dir, chunk), facade(chunk))
  }
}

const prefixOf = (chunk: string) => chunk.replace(/\.js$/, '').replace(/[^A-Za-z0-9]/g, '_')

async function merged(
  { chunks }: Group,
  { dir, exportsOf, plugin }: { dir: string; exportsOf: (chunk: string) => readonly { name: string; merged: string }[]; plugin: Plugin },
): Promise<string> {
  const contents = chunks.map((chunk) => {
    const names = exportsOf(chunk).map(({ name, merged: as }) => `${name} as ${as}`)
    return names.length === 0 ? `import './${chunk}'` : `export { ${names.join(', ')} } from './${chunk}'`
  })
  const { outputFiles } = await build({
    stdin: { contents: contents.join('\n'), resolveDir: dir },
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    treeShaking: false,
    logLevel: 'warning',
    plugins: [plugin],
  })
  return outputFiles[0]!.text
}

/** Chunks by the roles that load them at their start; a chunk of its own stays as it is. */
function groupsOf(outputs: Outputs, main: string, roles: readonly Role[]): Group[] {
  const ofMain = closure(outputs, chunkOf(outputs, main))
  const byRoles = new Map<string, string[]>()
  const rolesOf = new Map<string, string[]>()
  for (const { entry, after } of roles) {
    for (const chunk of closure(outputs, chunkOf(outputs, entry))) {
      if (ofMain.has(chunk)) continue
      const others = rolesOf.get(chunk) ?? []
      if (after === undefined || !others.includes(after)) rolesOf.set(chunk, [...others, entry])
    }
  }
  for (const [chunk, names] of rolesOf) byRoles.set(names.join(' '), [...(byRoles.get(names.join(' ')) ?? []), chunk])
  return [...byRoles]
    .filter(([, chunks]) => chunks.length > 1)
    .map(([names, chunks]) => ({
      file: `start-${names
        .split(' ')
        .map((role) => basename(role, '.ts'))
        .join('-')}.js`,
      chunks,
    }))
}

function chunkOf(outputs: Outputs, entry: string): string {
  for (const [chunk, output] of outputs) if (output.entryPoint === entry) return chunk
  throw new Error(`no chunk begins with ${entry}`)
}

function closure(outputs: Outputs, entry: string): Set<string> {
  const found = new Set([entry])
  // A set gives what is added while it is walked, too.
  for (const chunk of found)
    for (const { path, kind } of outputs.get(chunk)?.imports ?? [])
      if (kind === 'import-statement' && outputs.has(basename(path))) found.add(basename(path))
  return found
}
