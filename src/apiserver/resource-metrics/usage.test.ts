import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { readNodeSample } from './node-sample.ts'
import { NodeUsages } from './node-usage.ts'
import { durationText, resourceUsage, usageBetween } from './usage.ts'

type Row = { cpu?: number | string; memory?: number; started?: number; atMs?: number }

function text(containers: Readonly<Record<string, Row>>, node?: Row): string {
  const lines: string[] = ['# HELP container_cpu_usage_seconds_total words', '# TYPE container_cpu_usage_seconds_total counter']
  for (const [name, { cpu, memory, started, atMs }] of Object.entries(containers)) {
    const [pod, container] = name.split('/')
    const labels = `{container="${container}",namespace="d",pod="${pod}"}`
    if (cpu !== undefined) lines.push(`container_cpu_usage_seconds_total${labels} ${cpu} ${atMs ?? 0}`)
    if (memory !== undefined) lines.push(`container_memory_working_set_bytes${labels} ${memory} ${atMs ?? 0}`)
    if (started !== undefined) lines.push(`container_start_time_seconds${labels} ${started} ${atMs ?? 0}`)
  }
  if (node) lines.push(`node_cpu_usage_seconds_total ${node.cpu} ${node.atMs ?? 0}`, `node_memory_working_set_bytes ${node.memory}`)
  return `${lines.join('\n')}\nscrape_error 0\n`
}

const cases: readonly {
  readonly title: string
  readonly before: string
  readonly after: string
  readonly expected: Readonly<Record<string, string>>
}[] = [
  {
    title: 'a rate is what was used between the samples by the time between them',
    before: text({ 'p/c': { cpu: 10, memory: 1, atMs: 1_000 } }),
    after: text({ 'p/c': { cpu: 10.5, memory: 1 << 20, atMs: 3_000 } }),
    expected: { 'p/c': '250m 1Mi 2000' },
  },
  {
    title: 'a container that started in between is measured since its start',
    before: text({ 'p/c': { cpu: 99, memory: 1, started: 0, atMs: 1_000 } }),
    after: text({ 'p/c': { cpu: 0.1, memory: 1024, started: 2, atMs: 3_000 } }),
    expected: { 'p/c': '100m 1Ki 1000' },
  },
  {
    title: 'a counter that went back is no rate, and a pod with such a container is left out as a whole',
    before: text({ 'p/a': { cpu: 9, memory: 1 }, 'p/b': { cpu: 1, memory: 1 }, 'q/c': { cpu: 1, memory: 1 } }),
    after: text({
      'p/a': { cpu: 1, memory: 1, atMs: 1_000 },
      'p/b': { cpu: 2, memory: 1, atMs: 1_000 },
      'q/c': { cpu: 1, memory: 1, atMs: 1_000 },
    }),
    expected: { 'q/c': '0 1 1000' },
  },
  {
    title: 'what lacks a figure, has none that is a number or no new sample is left out',
    before: text({ 'p/a': { cpu: 1, memory: 1, atMs: 5 }, 'q/b': { cpu: 1 }, 'r/c': { cpu: 1, memory: 1 } }),
    after: text({ 'p/a': { cpu: 2, memory: 1, atMs: 5 }, 'q/b': { cpu: 2, atMs: 9 }, 'r/c': { cpu: 'NaN', memory: 1, atMs: 9 } }),
    expected: {},
  },
]
for (const { title, before, after, expected } of cases)
  test(title, () => {
    const { pods } = usageBetween(readNodeSample(before, 0), readNodeSample(after, 0))
    const found = [...pods].flatMap(([key, containers]) =>
      [...containers].map(([name, usage]) => {
        const { cpu, memory } = resourceUsage(usage)
        return [`${key.slice(2)}/${name}`, `${cpu} ${memory} ${usage.windowMs}`]
      }),
    )
    assert.deepEqual(Object.fromEntries(found), expected)
  })

test('the node has a rate of its own', () => {
  const before = readNodeSample(text({}, { cpu: 100, memory: 5, atMs: 0 }), 0)
  const after = readNodeSample(text({}, { cpu: 103, memory: 7, atMs: 2_000 }), 0)
  assert.deepEqual(usageBetween(before, after).node, { atMs: 2_000, windowMs: 2_000, cpuNanocores: 1.5e9, memoryBytes: 7 })
})

test('durations are in the notation of Go', () => {
  assert.deepEqual([250, 1_000, 15_125, 90_000].map(durationText), ['250ms', '1s', '15.125s', '1m30s'])
})

test('nodes are asked when somebody asks, twice at first, and then not again while the answer is fresh', async () => {
  const clock = virtualClock()
  const startMs = clock.now()
  let asked = 0
  const closing = new AbortController()
  const usages = new NodeUsages({
    clock,
    closing: closing.signal,
    sample: async (name) => {
      asked++
      if (name === 'dead') return undefined
      return readNodeSample(text({}, { cpu: (clock.now() - startMs) / 10_000, memory: 1, atMs: clock.now() }), clock.now())
    },
  })
  const ask = async (names: readonly string[]) => {
    const answer = usages.of(names)
    await clock.advance(1_100)
    return answer
  }
  const [one, other] = await Promise.all([ask(['n']), ask(['n'])])
  assert.deepEqual([asked, one.get('n')?.node?.cpuNanocores, other.get('n')], [2, 1e8, one.get('n')])
  await ask(['n'])
  assert.equal(asked, 2)
  await clock.advance(15_000)
  assert.ok(((await ask(['n', 'dead'])).get('n')?.node?.windowMs ?? 0) > 15_000, 'the rate is of the whole time since the last sample')
  assert.equal(asked, 4)
  await clock.advance(600_000)
  await ask(['n'])
  assert.equal(asked, 6, 'what is long ago is forgotten')
  closing.abort()
  assert.equal(clock.pendingTimers(), 0, 'a server that stops is held up by nothing')
  await ask(['n'])
  assert.equal(clock.pendingTimers(), 0)
})
