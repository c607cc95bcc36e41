/** What the pages for users tell to type works: every block is run by a test, or says here why not. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { createProgram } from '../../src/cli/program.ts'
import { thisMachine } from '../../src/roles/this-machine.ts'
import { agentHelp, schedulerHelp } from '../../src/roles/options/role-options.ts'
import { serverHelp } from '../../src/roles/options/server-flags.ts'
import { type ClientCluster, startClientCluster } from '../integration/stock-clients.ts'
import { type DocBlock, docBlocks } from './doc-blocks.ts'

const pages = ['README.md', ...globSync('docs/**/*.md'), ...globSync('examples/**/*.md')].sort()
const commandLanguages = ['sh', 'console', 'bash', 'shell', 'ts']

/** By page and heading: the file that runs the block, or why none does. */
const blocksOf: Readonly<Record<string, { readonly runIn: string } | { readonly notRun: string }>> = {
  'README.md: Two commands': { notRun: 'the e2e group runs both: test/e2e/cluster.ts the first, the CI the second' },
  'README.md: A first application in five lines': { notRun: 'needs an image of the reader; test/e2e/tutorial.test.ts runs the same steps' },
  'docs/admission.md: A policy': { runIn: 'test/tidy/docs.test.ts' },
  'docs/admission.md: Secure pods': { runIn: 'test/tidy/docs.test.ts' },
  'docs/access.md: Who is who': { runIn: 'test/tidy/docs.test.ts' },
  'docs/autoscaling.md: Sizes by use': { runIn: 'test/tidy/docs.test.ts' },
  'docs/backup.md: Backups': { runIn: 'test/tidy/docs.test.ts' },
  'docs/config-rollout.md: Roll out configuration, and back': { runIn: 'test/tidy/docs.test.ts' },
  'docs/contributing.md: Commands': { notRun: 'they run the tests themselves' },
  'docs/custom-resources.md: Rules': { runIn: 'test/tidy/docs.test.ts' },
  'docs/performance.md: How to run': { notRun: 'it measures for minutes, on a machine that does nothing else' },
  'docs/metrics.md: Who tells what': { runIn: 'test/tidy/docs.test.ts' },
  'docs/scheduling.md: A plugin of your own': { runIn: 'test/integration/scheduler-options.test.ts' },
  'docs/scheduling.md: Planning': { runIn: 'test/integration/plan.test.ts' },
  'docs/scheduling.md: Rebalancing': { runIn: 'test/integration/plan.test.ts' },
  'docs/scheduling.md: Starting with it': {
    notRun: 'flags of a server; test/integration/scheduler-options.test.ts gives the same files to one',
  },
  'docs/nodes.md: Maintenance': { runIn: 'test/tidy/docs.test.ts' },
  'docs/nodes.md: One more machine': { notRun: 'test/e2e/cli.test.ts makes tokens, test/e2e/three-nodes.test.ts joins agents with them' },
  'docs/nodes.md: Simulated nodes': { runIn: 'test/tidy/docs.test.ts' },
  'docs/nodes.md: What there is': { runIn: 'test/tidy/docs.test.ts' },
  'docs/services.md: An address for a workload': { runIn: 'test/tidy/docs.test.ts' },
  'docs/services.md: When it does not answer': { runIn: 'test/tidy/docs.test.ts' },
  'docs/simulate.md: Play a day': { runIn: 'test/tidy/docs.test.ts' },
  'docs/distributed-scheduling.md: Schedulers of your own, by offers': { runIn: 'test/tidy/docs.test.ts' },
  'docs/depends-on.md: Start one workload after another': { runIn: 'test/tidy/docs.test.ts' },
  'docs/stop-and-start.md: Stop and start': { runIn: 'test/tidy/docs.test.ts' },
  'docs/storage.md: A volume that outlives its pod': { runIn: 'test/tidy/docs.test.ts' },
  'docs/troubleshooting.md: Starting over': { notRun: 'test/e2e takes clusters down and up in the same way' },
  'examples/batch-job/README.md: Counting primes in pieces': { runIn: 'test/e2e/batch-job.test.ts' },
  'examples/batch-queue/README.md: A batch queue that lives on offers': { runIn: 'test/integration/examples.test.ts' },
  'examples/service-scheduler/README.md: A scheduler for services that lives on offers': { runIn: 'test/integration/examples.test.ts' },
  'examples/stateful/README.md: A replicated key-value store': { runIn: 'test/e2e/stateful.test.ts' },
  'docs/typescript.md: A client': { runIn: 'test/tidy/docs.test.ts' },
  'docs/typescript.md: Two writers': { runIn: 'test/tidy/docs.test.ts' },
  'docs/typescript.md: Server-side apply': { runIn: 'test/tidy/docs.test.ts' },
  'docs/typescript.md: Watching': { runIn: 'test/tidy/docs.test.ts' },
  'docs/typescript.md: Pods: logs, commands, ports': { runIn: 'test/tidy/docs.test.ts' },
  'docs/typescript.md: A controller of your own': { runIn: 'test/tidy/docs.test.ts' },
  'docs/typescript.md: A cluster inside a test': { runIn: 'test/tidy/docs.test.ts' },
}
/** Pages that one test runs from top to bottom. */
const wholePages: Readonly<Record<string, string>> = { 'docs/tutorial.md': 'test/e2e/tutorial.test.ts' }

test('every block of commands in the pages is run by a test, or it is said why not', () => {
  const found = new Set<string>()
  for (const page of pages) {
    const runIn = wholePages[page]
    if (runIn) assert.ok(readFileSync(runIn, 'utf8').includes(page), `${runIn} runs ${page}`)
    else
      for (const block of docBlocks(page).filter(({ language }) => commandLanguages.includes(language)))
        found.add(`${page}: ${block.heading}`)
  }
  assert.deepEqual([...found].sort(), Object.keys(blocksOf).sort())
  for (const how of Object.values(blocksOf)) if ('runIn' in how) assert.ok(existsSync(how.runIn), how.runIn)
})

let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 2 })
  cluster.write('keelson', `#!/bin/sh\nexec ${process.execPath} ${resolve('src/roles/main.ts')} "$@"\n`)
})
after(() => cluster.close())

// First, while there is nothing to move.
test('docs/nodes.md: a node is looked at, drained and taken back', async () => {
  const [, look, drain] = docBlocks('docs/nodes.md', 'sh')
  // The cluster here is a server alone: `status` is about what \`up\` started, and test/e2e/cli.test.ts has it.
  const { code, stdout, stderr } = await cluster.sh(`set -e\n${look?.text.replace('./keelson status\n', '')}${drain?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /node\/node-1 drained[\s\S]*node\/node-1 uncordoned/)
})

test('docs/nodes.md: a simulated container does what its command says', async () => {
  const { code, stdout, stderr } = await cluster.sh(`set -e\n${docBlocks('docs/nodes.md', 'sh').at(-1)?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /condition met\nhello\n/)
})

const [stopAndStart] = docBlocks('docs/stop-and-start.md', 'sh')

test('docs/stop-and-start.md: the commands do what the page says', async () => {
  const made = await cluster.sh('kubectl run web --image=web:1 && kubectl wait --for=condition=Ready pod/web --timeout=20s')
  assert.equal(made.code, 0, made.stderr)
  const { code, stderr } = await cluster.sh(`set -e\n${stopAndStart?.text}`)
  assert.equal(code, 0, stderr)
  const state = await cluster.sh("kubectl get pod web -o jsonpath='{.metadata.annotations.keelson\\.dev/run-state}'")
  assert.equal(state.stdout, 'running')
})

test('docs/admission.md: what breaks a policy is refused, and told why', async () => {
  const [pods, policy] = docBlocks('docs/admission.md', 'sh')
  const strict = await cluster.sh(`set -e\n${pods?.text}`)
  assert.equal(strict.code, 0, strict.stderr)
  assert.match(strict.stderr, /pods "plain" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false/)
  const { code, stderr, stdout } = await cluster.sh(`set -e\n${policy?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stderr, /ValidatingAdmissionPolicy 'replicas.example.com' .* denied request: two replicas at least, not 1/)
  assert.match(stdout, /deployment.apps\/front created/)
})

test('docs/custom-resources.md: the kind is served, and its rule refuses', async () => {
  const { code, stderr } = await cluster.sh(`set -e\n${docBlocks('docs/custom-resources.md', 'sh')[0]?.text}`)
  assert.equal(code, 0, stderr)
  const queue = JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Queue', metadata: { name: 'q' }, spec: { min: 2, max: 1 } })
  const refused = await cluster.sh(`echo '${queue}' | kubectl create -f -`)
  assert.match(refused.stderr, /spec\.min: Invalid value: .*min must be at most 1/)
})

test('docs/config-rollout.md: the configuration comes back with the rollback', async () => {
  const { code, stderr } = await cluster.sh(`set -e\n${docBlocks('docs/config-rollout.md', 'sh')[0]?.text}`)
  assert.equal(code, 0, stderr)
})

test('docs/autoscaling.md: the workload grows to what its use asks for', async () => {
  const { code, stdout, stderr } = await cluster.sh(`set -e\n${docBlocks('docs/autoscaling.md', 'sh')[0]?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /SuccessfulRescale +horizontalpodautoscaler\/hot +New size: 3; reason: memory resource utilization/)
})

test('docs/metrics.md: a node tells its figures through the API server', async () => {
  const { code, stdout, stderr } = await cluster.sh(`set -e\n${docBlocks('docs/metrics.md', 'sh')[0]?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^machine_cpu_cores\{[^}]*\} \d/m)
  assert.match(stdout, /"nodeName":/)
})

test('docs/depends-on.md: the second workload waits for the first', async () => {
  const { code, stdout, stderr } = await cluster.sh(`set -e\n${docBlocks('docs/depends-on.md', 'sh')[0]?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /waits for deployment\/database, which /)
})

test('docs/simulate.md: the report tells of every pod', async () => {
  const { code, stdout, stderr } = await cluster.sh(docBlocks('docs/simulate.md', 'sh')[0]?.text ?? 'false')
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^pods +1\d\d created: \d+ completed, .* 0 waiting at the end$/m)
})

test('docs/storage.md: the claim is bound', async () => {
  const { code, stdout, stderr } = await cluster.sh(`set -e\n${docBlocks('docs/storage.md', 'sh')[0]?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /persistentvolumeclaim\/notes +Bound +pvc-/)
})

test('docs/access.md: the commands do what the page says', async () => {
  const [block] = docBlocks('docs/access.md', 'sh')
  const { code, stdout, stderr } = await cluster.sh(block?.text ?? 'false')
  assert.equal(code, 0, stderr)
  assert.match(stdout, /kubernetes-admin[\s\S]*no\n[\s\S]*yes\n$/)
})

test('docs/backup.md: the backup is made while the cluster runs', async () => {
  const { code, stderr } = await cluster.sh(docBlocks('docs/backup.md', 'sh')[0]?.text ?? 'false')
  assert.equal(code, 0, stderr)
  assert.match(stderr, /objects and the cluster's keys are in cluster\.backup/)
})

test('docs/services.md: the services have endpoints', async () => {
  const [make, look] = docBlocks('docs/services.md', 'sh')
  const made = await cluster.sh(`set -e\n${make?.text}`)
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, /service\/greeter-outside +NodePort .* 80:3\d{4}\/TCP/)
  const { code, stdout, stderr } = await cluster.sh(`set -e\n${look?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /Endpoints: +10\.244\.\d+\.\d+:8080,10\.244\.\d+\.\d+:8080/)
})

/** A user's own project, with the checkout as its dependency and the compiler's settings of this one. */
function userProject(programs: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-docs-'))
  mkdirSync(join(dir, 'node_modules/@types'), { recursive: true })
  symlinkSync(resolve('.'), join(dir, 'node_modules/keelson'))
  symlinkSync(resolve('node_modules/@types/node'), join(dir, 'node_modules/@types/node'))
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'user', type: 'module' }))
  const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as { compilerOptions: object }
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(dir, name), text)
  return dir
}

/** Blocks that are no whole programs are given what they leave out. */
const beginnings: Readonly<Record<string, string>> = {
  'docs/stop-and-start.md': `import { clientFromKubeconfig, createClientset } from 'keelson/client'\nconst clientset = createClientset(clientFromKubeconfig().client)\n`,
}
const programs = ['docs/typescript.md', 'docs/stop-and-start.md', 'docs/scheduling.md', 'docs/distributed-scheduling.md'].flatMap((page) =>
  docBlocks(page, 'ts').map((block: DocBlock, i) => ({ page, block, name: `${page.replace(/\W+/g, '-')}-${i}.ts` })),
)
/** What the programs print, by heading. */
const outputs: Readonly<Record<string, string>> = {
  'A client': 'replicas 3\ndeployments.apps "missing" not found\n',
  'Pods: logs, commands, ports': 'log: hello\nexec: 0 from inside\nport: ping\n',
  'Server-side apply': 'Apply failed with 1 conflict: conflict with "alice": .data.level\nlevel debug\n',
  'Two writers': 'count 3\n',
  Watching: 'ready nodes 2\nsaw noticed\n',
  'A controller of your own': 'made default/morning\n',
  'A cluster inside a test': 'virtual seconds 132\n',
  'Stop and start': '',
  'A plugin of your own': '',
  'Schedulers of your own, by offers': 'offered 1 cpu of a node\n',
}

test('the TypeScript of the pages compiles and does what it says, in a project of its own', async (t) => {
  const dir = userProject(Object.fromEntries(programs.map(({ page, block, name }) => [name, `${beginnings[page] ?? ''}${block.text}`])))
  try {
    await t.test('it compiles', () => {
      const { status, stdout } = spawnSync(resolve('node_modules/.bin/tsc'), ['-p', dir], { encoding: 'utf8' })
      assert.equal(status, 0, stdout)
    })
    for (const { page, block, name } of programs) {
      await t.test(`${page}:${block.line} ${block.heading}`, async () => {
        const { code, stdout, stderr } = await cluster.sh(`cd ${dir} && ${process.execPath} ${name}`)
        assert.equal(code, 0, stderr)
        assert.equal(stdout, outputs[block.heading])
      })
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('docs/reference/cli.md lists every command and every flag of `up`', () => {
  const page = readFileSync('docs/reference/cli.md', 'utf8')
  const program = createProgram(thisMachine())
  const commands = new Set(program.commands.map((command) => command.name()).filter((name) => name !== 'help'))
  const listed = [...page.matchAll(/^\| `keelson ([a-z\\|]+)/gm)].flatMap((match) => (match[1] ?? '').split('\\|'))
  assert.deepEqual([...listed].sort(), [...commands].sort())
  const up = program.commands.find((command) => command.name() === 'up')
  const flags = up?.options.filter(({ hidden }) => !hidden).map(({ long }) => long ?? '') ?? []
  const section = /## `keelson up`\n([\s\S]*?)\n## /.exec(page)?.[1] ?? ''
  const told = [...section.matchAll(/^\| `(--[a-z-]+)/gm)].map((match) => match[1] ?? '')
  assert.deepEqual([...told].sort(), [...flags].sort())
})

test('docs/reference/cli.md: the exit codes are those of the command line', async () => {
  const check = async (line: string, code: number) => assert.equal((await cluster.sh(line)).code, code, line)
  await check('./keelson version', 0)
  await check('./keelson stop pod/missing', 1)
  await check('./keelson nonsense', 2)
  await check('./keelson up --runtime nonsense', 2)
  await check('KUBECONFIG=missing ./keelson explain x --data-dir none 2>/dev/null; test $? -ne 0', 0)
})

test('every flag that a page gives a command is one of it', () => {
  const program = createProgram(thisMachine())
  const helpOf = (words: readonly string[]): string => {
    const role = { server: serverHelp(), agent: agentHelp, scheduler: schedulerHelp }[words[0]!]
    const command = program.commands.find((one) => one.name() === words[0])
    const sub = command?.commands.find((one) => one.name() === words[1])
    return role ?? (sub ?? command)?.options.map(({ long }) => long).join(' ') ?? ''
  }
  const commands = program.commands.map((command) => command.name()).join('|')
  const wrong = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(new RegExp(`(?<![\\w/.-])(?:\\./)?keelson ((?:${commands})\\b[^\`\\n|]*)`, 'g'))].flatMap(
      ([line, rest = '']) =>
        [...rest.matchAll(/--[a-z][a-z-]+/g)]
          .filter(([flag]) => !helpOf(rest.split(/\s+/)).includes(flag))
          .map(([flag]) => `${page}: ${flag} in ${line}`),
    ),
  )
  assert.deepEqual(wrong, [])
})
