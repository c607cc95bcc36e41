import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterState } from './cluster-state.ts'
import { type UpFacts, type UpOptions, planUp } from './up-plan.ts'

const daemon = { pid: 1, startTicks: '1', logFile: '' }
const state: ClusterState = { version: 1, runtime: 'fake', nodes: 3, listen: '127.0.0.1:6443', server: daemon, agents: [] }
const options = (given: Partial<UpOptions> = {}): UpOptions => ({
  runtime: 'containerd',
  nodes: 1,
  listen: '0.0.0.0:6443',
  ...given,
  given: new Set(Object.keys(given)) as UpOptions['given'],
})

const cases: readonly { title: string; options: UpOptions; facts: UpFacts; type: string }[] = [
  {
    title: 'starts where nothing was',
    options: options(),
    facts: { state: undefined, isServerRunning: false, deadAgents: [] },
    type: 'start',
  },
  {
    title: 'starts again where the server died',
    options: options(),
    facts: { state, isServerRunning: false, deadAgents: [] },
    type: 'start',
  },
  {
    title: 'keeps a running cluster when nothing else was asked for',
    options: options(),
    facts: { state, isServerRunning: true, deadAgents: [] },
    type: 'keep',
  },
  {
    title: 'keeps a running cluster when the same was asked for',
    options: options({ nodes: 3, runtime: 'fake' }),
    facts: { state, isServerRunning: true, deadAgents: [] },
    type: 'keep',
  },
  {
    title: 'refuses another number of nodes',
    options: options({ nodes: 2 }),
    facts: { state, isServerRunning: true, deadAgents: [] },
    type: 'refuse',
  },
  {
    title: 'starts dead agents again',
    options: options(),
    facts: { state, isServerRunning: true, deadAgents: ['node-2'] },
    type: 'restart-agents',
  },
]

for (const { title, options: given, facts, type } of cases) test(`up ${title}`, () => assert.equal(planUp(given, facts).type, type))
