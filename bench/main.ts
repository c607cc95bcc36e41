// npm run bench [SUITE …] [--kubeconfig FILE] [--quick]
// Measures and prints each figure beside its goal. Without --kubeconfig it starts servers of its own on loopback, in a folder of /tmp.
// With --kubeconfig the suites that only need an API (api, watch, replicas) run against that cluster, whoever made it; with --pid, once
// for each of its processes on this machine, their CPU is told too.
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { calibrationMs } from './calibration.ts'
import { machineLine } from './measure.ts'

const suites: Record<string, { needs: 'nothing' | 'api' | 'root'; load(): Promise<(options: SuiteOptions) => Promise<void>> }> = {
  startup: { needs: 'nothing', load: async () => (await import('./suite-startup.ts')).startupSuite },
  api: { needs: 'api', load: async () => (await import('./suite-api.ts')).apiSuite },
  watch: { needs: 'api', load: async () => (await import('./suite-watch.ts')).watchSuite },
  objects: { needs: 'nothing', load: async () => (await import('./suite-objects.ts')).objectsSuite },
  replicas: { needs: 'api', load: async () => (await import('./suite-replicas.ts')).replicasSuite },
  workloads: { needs: 'nothing', load: async () => (await import('./suite-workloads.ts')).workloadsSuite },
  pods: { needs: 'root', load: async () => (await import('./suite-pods.ts')).podsSuite },
  store: { needs: 'nothing', load: async () => (await import('./store.ts')).storeSuite },
  cel: { needs: 'nothing', load: async () => (await import('./cel.ts')).celSuite },
  scheduler: { needs: 'nothing', load: async () => (await import('./scheduler.ts')).schedulerSuite },
  schedulers: { needs: 'nothing', load: async () => (await import('./schedulers.ts')).schedulersSuite },
}

export type SuiteOptions = {
  readonly kubeconfig: string | undefined
  /** Of the cluster of the kubeconfig, as far as they run here. */
  readonly pids: readonly number[]
  readonly isQuick: boolean
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kubeconfig: { type: 'string' },
    pid: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
  },
})
const options: SuiteOptions = { kubeconfig: values.kubeconfig, pids: values.pid.map(Number), isQuick: values.quick }
const wanted =
  positionals.length > 0 ? positionals : Object.keys(suites).filter((name) => !values.kubeconfig || suites[name]!.needs === 'api')
console.log(`machine: ${machineLine()}`)
for (const name of wanted) {
  const suite = suites[name]
  if (!suite) throw new Error(`unknown suite ${name}: one of ${Object.keys(suites).join(', ')}`)
  if (suite.needs === 'root' && process.getuid?.() !== 0) {
    console.log(`\n${name}: left out, it needs root`)
    continue
  }
  // Its pods run the image that the tests are made of; what a cluster needs `keelson up` installs itself.
  if (suite.needs === 'root' && spawnSync('bash', ['scripts/setup-packages.sh', 'busybox-static'], { stdio: 'inherit' }).status !== 0) {
    console.log(`\n${name}: left out, as said above`)
    continue
  }
  const run = await suite.load()
  const before = calibrationMs()
  await run(options)
  console.log(`  calibration before and after: ${before.toFixed(1)} and ${calibrationMs().toFixed(1)} ms`)
}
