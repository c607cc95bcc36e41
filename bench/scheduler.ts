// The scheduler's core alone (no API objects on the wire, no binding), in the shape of upstream's scheduler_perf scenarios.
// Every node is evaluated exactly in every decision.
import { seededRandom } from '../src/base/random.ts'
import type { Pod } from '../src/kinds/generated/types/core-v1.ts'
import { testPod } from '../src/scheduler/core/fixtures.ts'
import { SchedulerCore } from '../src/scheduler/core/scheduler-core.ts'
import { allPlugins } from '../src/scheduler/plugins/all.ts'
import type { SuiteOptions } from './main.ts'
import { type Figure, percentile, report } from './measure.ts'
import { throughApi } from './scheduler-api.ts'
import { deviceFigures } from './scheduler-devices.ts'
import { gangFigures } from './scheduler-gangs.ts'
import { node, type Scenario, scenarios, small } from './scheduler-scenarios.ts'

export async function schedulerSuite({ isQuick }: SuiteOptions): Promise<void> {
  const nodes = isQuick ? 1_000 : 5_000
  report(
    `scheduler core, ${nodes} nodes`,
    scenarios.flatMap((scenario) => {
      // The first decisions meet uncompiled code: they are not measured.
      run(scenario, nodes / 5, 0.05)
      return run(scenario, nodes, isQuick ? 0.1 : 1)
    }),
  )
  report('scheduler core, pods with devices', deviceFigures(isQuick))
  report('scheduler core, groups of pods', gangFigures(isQuick))
  report(`scheduler, start among ${nodes * 30} pods`, [coldStart(nodes)])
  report(`scheduler through the API (same process, store on disk), ${nodes} nodes`, await throughApi({ nodes, isQuick }))
}

/** From the first object of the informers to a snapshot that is ready, for pods of 100 workloads. */
function coldStart(nodes: number): Figure {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  const pods = Array.from({ length: nodes * 30 }, (_, i) =>
    testPod({
      name: `p${i}`,
      labels: { app: `a${i % 100}` },
      requests: small,
      owner: `rs${i % 100}`,
      spec: { nodeName: `node-${i % nodes}` },
    }),
  )
  const all = Array.from({ length: nodes }, (_, i) => node(i))
  const startedMs = performance.now()
  for (const n of all) core.snapshot.setNode(n)
  for (const p of pods) core.snapshot.addPod(`default/${p.metadata.name}`, p, p.spec!.nodeName!)
  return { name: 'cold start', value: performance.now() - startedMs, unit: 'ms', goal: 500, better: 'lower' }
}

function run(scenario: Scenario, nodes: number, scale: number): Figure[] {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  for (let i = 0; i < nodes; i++) core.snapshot.setNode(node(i))
  for (let i = 0; i < (scenario.namespaces ?? 0); i++) core.snapshot.setNamespace(`team-${i}`, { team: 'devops' })
  const before = Math.round((scenario.before?.count ?? 0) * (nodes / 5_000))
  for (let i = 0; i < before; i++) core.snapshot.addPod(`default/low${i}`, scenario.before!.pod(i), `node-${i % nodes}`)
  const pods = Array.from({ length: Math.round(scenario.pods * scale) }, (_, i) => scenario.pod(i))
  const defaultSpread = { key: 'app=web', matches: (l: Readonly<Record<string, string>>) => l.app === 'web' }
  const micros = new Float64Array(pods.length)
  const startedMs = performance.now()
  const cpuBefore = process.cpuUsage()
  for (let i = 0; i < pods.length; i++) {
    scenario.churn?.(core, i)
    const beganMs = performance.now()
    const target = {
      key: `default/p${i}`,
      pod: pods[i]!,
      priority: pods[i]!.spec?.priority ?? 0,
      ...(scenario.defaultSpread ? { defaultSpread } : {}),
    }
    const decision = core.decide(target)
    if (decision.kind === 'Placed') core.snapshot.addPod(target.key, target.pod, core.snapshot.nodeName(decision.row))
    else if (scenario.diagnoses) preempt(core, target)
    micros[i] = (performance.now() - beganMs) * 1000
  }
  const seconds = (performance.now() - startedMs) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  const sorted = [...micros].sort((a, b) => a - b)
  return [
    { name: scenario.name, value: pods.length / seconds, unit: 'pods/s', goal: scenario.goal, better: 'higher' },
    { name: `${scenario.name}, p99`, value: percentile(sorted, 99), unit: 'µs', goal: 100, better: 'lower' },
    { name: `${scenario.name}, CPU`, value: (cpu.user + cpu.system) / pods.length, unit: 'µs/pod', better: 'lower' },
  ]
}

/** Victims leave at once, and the pod takes their place. */
function preempt(core: SchedulerCore, target: { key: string; pod: Pod; priority: number }): void {
  const { candidate } = core.preempt(target, core.diagnose(target), [])
  if (!candidate) return
  for (const victim of candidate.victims) core.snapshot.removePod(victim.key)
  core.snapshot.addPod(target.key, target.pod, core.snapshot.nodeName(candidate.row))
}
