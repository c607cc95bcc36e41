import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simCluster } from '../sim-cluster.ts'
import { nodeTtlController } from './controller.ts'
import { ttlAnnotation, ttlSeconds } from './plan.ts'

const sizes: [number, number, number][] = [
  [0, 0, 0],
  [100, 0, 0],
  [101, 0, 15],
  [95, 15, 15],
  [89, 15, 0],
  [1_500, 0, 60],
  [950, 60, 60],
  [899, 60, 30],
  [5_000, 30, 300],
]
for (const [count, before, expected] of sizes)
  test(`${count} nodes after ${before} s: ${expected} s`, () => assert.equal(ttlSeconds(count, before), expected))

test('every node is told, and all of them when the time changes', async () => {
  const cluster = await simCluster({ definitions: [nodeTtlController()], nodes: false })
  const nodes = cluster.clientset.coreV1().nodes()
  const told = async () => new Set((await nodes.list()).items.map(({ metadata }) => metadata.annotations?.[ttlAnnotation]))
  for (let i = 0; i < 100; i++) await nodes.create({ metadata: { name: `n${i}` } })
  await cluster.until('all are told', async () => [...(await told())].join() === '0')
  await nodes.create({ metadata: { name: 'one-more' } })
  await cluster.until('all are told again', async () => [...(await told())].join() === '15')
  await cluster.stop()
})
