import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { HPAScalingPolicy } from '../../kinds/generated/types/autoscaling-v2.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { quantityMilli } from '../../machinery/quantity.ts'
import { parseYaml } from '../../machinery/yaml.ts'
import { type PodMetric, utilizationReplicas } from './replica-count.ts'
import { normalise } from './stabilisation.ts'

/** One ```yaml block of docs/formulas.md about the autoscaler. */
type Example = {
  readonly example: string
  readonly result: unknown
  readonly use?: readonly (string | null)[]
  readonly requests?: readonly (string | number)[]
  readonly targetPercent?: number
  readonly current?: number
  readonly wanted?: number
  readonly addedInPeriod?: number
  readonly policies?: HPAScalingPolicy[]
}

const page = readFileSync(new URL('../../../docs/formulas.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)]
  .map((m) => parseYaml(m[1]!) as Example)
  .filter(({ example }) => example.startsWith('autoscaler-'))
const nowMs = Date.UTC(2026, 0, 2)

/** A pod without a figure has not started. */
function byUse({ use = [], requests = [], targetPercent = 0 }: Example): number | string {
  const metrics = new Map<string, PodMetric>()
  const pods = use.map((value, i): Pod => {
    if (value !== null) metrics.set(`p${i}`, { milli: quantityMilli(value), atMs: nowMs, windowMs: 60_000 })
    const phase = value === null ? 'Pending' : 'Running'
    const requested = { requests: { cpu: String(requests[i]) } }
    const status = { phase, startTime: '2026-01-01T00:00:00Z', conditions: [{ type: 'Ready', status: 'True' }] } as const
    return {
      metadata: { name: `p${i}` },
      spec: { containers: [{ name: 'c', resources: requested }] },
      status: { ...status, conditions: [...status.conditions] },
    }
  })
  const tolerance = { up: 0.1, down: 0.1 }
  const found = utilizationReplicas({ pods, metrics, resource: 'cpu', currentReplicas: pods.length, tolerance, targetPercent }, nowMs)
  return 'error' in found ? found.error : found.replicas
}

function byPolicies({ current = 0, wanted = 0, addedInPeriod = 0, policies = [] }: Example): number {
  const memory = { recommendations: [], changes: [{ by: addedInPeriod, atMs: nowMs - 1_000 }] }
  const scaleUp = { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies }
  return normalise({ scaleUp }, { current, wanted, min: 1, max: 1_000 }, memory, nowMs).replicas
}

const compute: Readonly<Record<string, (input: Example) => unknown>> = {
  'autoscaler-utilization': byUse,
  'autoscaler-starting': byUse,
  'autoscaler-pace': byPolicies,
}

test('every example of the page about the autoscaler is computed', () => {
  assert.deepEqual(examples.map(({ example }) => example).sort(), Object.keys(compute).sort())
})

for (const input of examples)
  test(`docs/formulas.md: ${input.example} comes out as the page says`, () => assert.equal(compute[input.example]!(input), input.result))
