// Expressions in CEL: compiled once, evaluated over JSON as it lies in memory, values adapted and costs counted.
import { compileCel } from '../src/machinery/cel/cel.ts'
import { celTypes } from '../src/machinery/cel/cel-type.ts'
import { fromJson } from '../src/machinery/cel/json-value.ts'
import { kubernetesEnvironment } from '../src/machinery/cel/kubernetes-environment.ts'
import type { SuiteOptions } from './main.ts'
import { type Figure, report } from './measure.ts'

const self = celTypes.object('object', {
  replicas: celTypes.int,
  max: celTypes.int,
  name: celTypes.string,
  ports: celTypes.list(celTypes.int),
})
const object = { replicas: 3, max: 5, name: 'web', ports: Array.from({ length: 10 }, (_, i) => 8_000 + i) }
const expressions: readonly { readonly text: string; readonly goal?: number }[] = [
  { text: 'self.replicas <= self.max', goal: 300_000 },
  { text: "self.name.startsWith('w') && self.replicas > 0", goal: 300_000 },
  { text: 'self.ports.all(p, p >= 8000)' },
  { text: "self.name.matches('^[a-z]+$')" },
]

export async function celSuite({ isQuick }: SuiteOptions): Promise<void> {
  const environment = kubernetesEnvironment({ variables: { self } })
  const figures: Figure[] = []
  for (const { text, goal } of expressions) {
    const { program, issues } = compileCel(environment, text)
    if (issues) throw new Error(issues.map((issue) => issue.message).join('; '))
    const run = (count: number) => {
      const start = process.cpuUsage()
      for (let i = 0; i < count; i++) program.evaluate({ self: fromJson(object, self) })
      const { user, system } = process.cpuUsage(start)
      return count / ((user + system) / 1_000_000)
    }
    run(20_000)
    figures.push({
      name: text,
      value: run(isQuick ? 50_000 : 500_000),
      unit: '/CPU s',
      better: 'higher',
      ...(goal === undefined ? {} : { goal }),
    })
  }
  report('cel: evaluations of a compiled expression', figures)
}
