// Runs the project's tests by need. Usage: node scripts/test.ts unit | root | e2e | all
//   unit  *.test.ts and *.sim.test.ts beside the code and in bench, and test/{tidy,sim,integration,conformance,upstream,clients,fuzz}: no root, no containers
//   root  *.root.test.ts: real containers, namespaces and nft; one file at a time
//   e2e   test/e2e: whole clusters under the stock clients; one file at a time
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

type Group = {
  readonly patterns: readonly string[]
  readonly exclude?: RegExp
  /** These share processes: a process costs more than most of them. What they start or change they have to undo. */
  readonly together?: RegExp
  readonly concurrency: number
  readonly timeoutMs: number
  readonly limitMs: number
}

const groups: Record<string, Group> = {
  unit: {
    patterns: [
      'src/**/*.test.ts',
      'bench/**/*.test.ts',
      'test/tidy/**/*.test.ts',
      'test/sim/**/*.test.ts',
      'test/integration/**/*.test.ts',
      'test/conformance/**/*.test.ts',
      'test/upstream/**/*.test.ts',
      'test/clients/**/*.test.ts',
      'test/fuzz/**/*.test.ts',
      'scripts/**/*.test.ts',
    ],
    exclude: /\.root\.test\.ts$/,
    together: /^(src\/(?!store\/)|test\/(conformance|sim)\/)/,
    concurrency: 2,
    timeoutMs: 180_000,
    limitMs: 1_500_000,
  },
  root: {
    patterns: ['src/**/*.root.test.ts', 'test/integration/**/*.root.test.ts', 'scripts/**/*.root.test.ts'],
    concurrency: 1,
    timeoutMs: 240_000,
    limitMs: 900_000,
  },
  e2e: { patterns: ['test/e2e/**/*.test.ts'], concurrency: 1, timeoutMs: 600_000, limitMs: 2_400_000 },
}

const filesAProcess = 12

mkdirSync('.cache', { recursive: true })
const folder = mkdtempSync('.cache/tests-')
const wanted = process.argv[2] ?? 'unit'
const only = process.argv[3]
const names = wanted === 'all' ? Object.keys(groups) : [wanted]
let failed = false
for (const name of names) {
  const group = groups[name]
  if (!group) throw new Error(`unknown group ${name}: one of ${Object.keys(groups).join(', ')}, all`)
  const files = group.patterns
    .flatMap((p) => globSync(p))
    .filter((f) => !group.exclude?.test(f) && (!only || f.includes(only)))
    .sort()
  if (files.length === 0) {
    console.error(`no test files in group ${name}`)
    failed = true
    continue
  }
  console.log(`== ${name}: ${files.length} files`)
  const run = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--import=./scripts/property-seed.ts',
      '--test',
      `--test-concurrency=${group.concurrency}`,
      `--test-timeout=${group.timeoutMs}`,
      '--test-reporter=./scripts/failures-reporter.ts',
      '--test-reporter-destination=stdout',
      ...inProcesses(files, group, folder),
    ],
    // A file that never ends (something that it started is still there) shall not keep the rest waiting for ever.
    {
      stdio: 'inherit',
      timeout: group.limitMs,
      env: { ...process.env, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '.cache/compile' },
    },
  )
  if (run.status !== 0) failed = true
  if (run.signal) console.error(`== ${name}: did not end within ${group.limitMs / 60_000} minutes`)
}
rmSync(folder, { recursive: true })
process.exitCode = failed ? 1 : 0

/** As few processes as is reasonable. What has one of its own comes first: these are the long ones. */
function inProcesses(files: readonly string[], { together }: Group, folder: string): readonly string[] {
  const sharing = files.filter((file) => together?.test(file))
  const count = Math.ceil(sharing.length / filesAProcess)
  const shared = Array.from({ length: count }, (_, nth) => {
    const entry = join(folder, `together-${nth + 1}.test.ts`)
    const own = sharing.filter((_file, i) => i % count === nth)
    writeFileSync(entry, own.map((file) => `import '${relative(folder, file)}'\n`).join(''))
    return entry
  })
  return [...files.filter((file) => !sharing.includes(file)), ...shared]
}
