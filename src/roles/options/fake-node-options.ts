import { durationMs } from '../../base/duration.ts'
import { CliError } from '../../cli/cli-error.ts'
import { isQuantity, quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import type { FakeRuntimeOptions } from '../../node/runtime/fake/fake-runtime.ts'
import type { SimulatedNodeSpec } from '../simulated-nodes.ts'

/** What `--fake-node` says of the simulated nodes: their size, and how their engines behave. */
export type FakeNodeOptions = {
  readonly size: Omit<SimulatedNodeSpec, 'name'>
  readonly runtime: Pick<FakeRuntimeOptions, 'times' | 'failureRates' | 'usage'>
}

const times = { 'run-sandbox': 'runSandbox', create: 'create', start: 'start', stop: 'stop', pull: 'pull' } as const
const failures = { 'fail-run-sandbox': 'runSandbox', 'fail-create': 'create', 'fail-start': 'start', 'fail-pull': 'pull' } as const
const quantities = ['cpu', 'memory', 'use-cpu', 'use-memory'] as const

/**
 * `cpu=8,memory=32Gi,pods=200,start=2s,pull=10s,fail-start=0.05,use-cpu=50m,use-memory=64Mi`: sizes of a node, mean times of the
 * engine's operations, their chances to fail, and what a running container reports. Throws CliError.
 */
export function parseFakeNode(text: string | undefined): FakeNodeOptions {
  const given = new Map<string, string>()
  for (const setting of (text ?? '').split(',').filter((one) => one !== '')) {
    const [key = '', value = ''] = setting.split('=')
    const why = mistake(key, value)
    if (why) throw new CliError(`--fake-node ${setting}: ${why}`, { nextStep: 'see docs/reference/cli.md', exitCode: 2 })
    given.set(key, value)
  }
  const amount = (key: string, read: (quantity: string) => number) => (given.has(key) ? read(given.get(key)!) : undefined)
  const [cpuMilli, memoryBytes, maxPods] = [amount('cpu', quantityMilli), amount('memory', quantityValue), amount('pods', Number)]
  const pick = <Name extends string>(names: Readonly<Record<string, Name>>, read: (value: string) => number) =>
    Object.fromEntries(Object.entries(names).flatMap(([key, name]) => (given.has(key) ? [[name, read(given.get(key)!)]] : []))) as Partial<
      Record<Name, number>
    >
  return {
    size: {
      ...(cpuMilli === undefined ? {} : { cpuMilli }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(maxPods === undefined ? {} : { maxPods }),
    },
    runtime: {
      times: pick(times, (value) => durationMs(value)!),
      failureRates: pick(failures, Number),
      ...(given.has('use-cpu') || given.has('use-memory')
        ? { usage: { cpuMilli: amount('use-cpu', quantityMilli) ?? 1, memoryBytes: amount('use-memory', quantityValue) ?? 8 << 20 } }
        : {}),
    },
  }
}

function mistake(key: string, value: string): string | undefined {
  if (key in times) return durationMs(value) === undefined ? 'no duration like 200ms or 3s' : undefined
  if (key in failures) return value !== '' && Number(value) >= 0 && Number(value) <= 1 ? undefined : 'no chance between 0 and 1'
  if (key === 'pods') return /^[1-9]\d{0,4}$/.test(value) ? undefined : 'no count of pods'
  if (quantities.some((name) => name === key)) return isQuantity(value) ? undefined : 'no quantity'
  return 'no such setting'
}
