import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeExplanation, SchedulingExplanation } from '../explain/explanation.ts'
import { boundedAnswer } from './explain-questions.ts'

function explanation(nodes: number, text: string): SchedulingExplanation {
  const node = (i: number): NodeExplanation => ({
    name: `node-${i}`,
    verdict: 'Rejected',
    filters: [{ plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], details: [`requests 2, has ${i}`] }],
  })
  return {
    apiVersion: 'keelson.dev/v1',
    kind: 'SchedulingExplanation',
    metadata: { name: 'p', namespace: 'default' },
    pod: { uid: 'u', schedulerName: 'default-scheduler', priority: 0, requests: {} },
    outcome: 'Pending',
    summary: 's',
    basis: 'CurrentState',
    basisNote: 'As it is now.',
    nodes: Array.from({ length: nodes }, (_, i) => node(i)),
    rejections: [],
    suggestions: [],
    text,
  }
}

test('an answer that fits is the whole explanation', () => {
  const whole = explanation(100, 'why')
  assert.deepEqual(JSON.parse(boundedAnswer(whole)), whole)
})

test('of very many nodes an answer holds as many as fit, and says so', () => {
  const answer = boundedAnswer(explanation(10_000, 'é'.repeat(100_000)))
  const { nodes, basisNote, text } = JSON.parse(answer) as SchedulingExplanation
  assert.equal(Buffer.byteLength(answer) <= 192 << 10, true)
  assert.equal(nodes.length > 0 && nodes.length < 10_000, true)
  assert.equal(basisNote, `Of 10000 nodes the first ${nodes.length} are told. As it is now.`)
  assert.equal(text.length, 64 << 10)
})
