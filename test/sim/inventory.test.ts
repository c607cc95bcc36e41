/** What is promised of every loop, and the test that shows it. Of controllers, all of it beyond their own plans is tried by one harness. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

type Shown = { readonly file: string; readonly title: string }

const harness = (title: string): Shown => ({ file: 'test/sim/controllers.sim.test.ts', title })
const convergence = (title: string): Shown => ({ file: 'test/sim/convergence.sim.test.ts', title })
const rebalancePlan: Shown = {
  file: 'src/scheduler/rebalance/rebalance-plan.test.ts',
  title: 'no plan over-commits a node, breaks a budget or a limit; each move is to a node that takes the pod; runs come to rest',
}
const wholeScheduler: Shown = {
  file: 'src/scheduler/whole-scheduler.sim.test.ts',
  title: 'no node is over-committed, no device given twice, no gang half placed, with preemption at work; the same seed ends alike',
}
const collisions: Shown = {
  file: 'test/sim/schedulers.sim.test.ts',
  title: 'views that lag collide on full nodes; the API lets nothing through, losers go elsewhere, the same seed gives the same trace',
}
const frameworks = (title: string): Shown => ({ file: 'test/sim/frameworks.sim.test.ts', title })
const killedAnywhere = convergence('a control plane that is killed between any two writes ends where it would have')
const offersPlan: Shown = {
  file: 'src/controllers/resource-offers/plan.test.ts',
  title: 'carried out, a plan gives no node away twice and leaves nothing to do',
}

const properties = {
  'no node is over-committed': {
    'one scheduler': wholeScheduler,
    'the core alone': {
      file: 'src/scheduler/core/cell-index.test.ts',
      title: 'pods never get more than a node has while nodes stay as they are',
    },
    'several schedulers': collisions,
    'several servers': {
      file: 'src/apiserver/placement/placement.test.ts',
      title: 'whatever schedulers with stale views do at whichever server, no node gets more than it has',
    },
    rebalancer: rebalancePlan,
    offers: offersPlan,
  },
  'no budget is broken': {
    preemption: {
      file: 'src/scheduler/core/preemption-budgets.test.ts',
      title: 'preemption breaks as few budgets as the documented search does, and evicts the same pods, in random clusters',
    },
    groups: { file: 'src/scheduler/gang/group-eviction.sim.test.ts', title: 'no budget is broken for a group' },
    rebalancer: rebalancePlan,
    'rebalancer at work': {
      file: 'test/sim/rebalance.sim.test.ts',
      title: 'where only reports are wanted, nothing moves; a budget is kept',
    },
  },
  'neither a surplus nor a gap is left at rest': {
    'every controller': harness('at rest nothing is left to write, for a new process either'),
    'a whole cluster, after every write': convergence('the end is that of an undisturbed life: ${title}'),
    groups: {
      file: 'src/scheduler/gang/gangs.sim.test.ts',
      title: 'a group of which only a part fits takes nothing, and leaves the room to others',
    },
    offers: offersPlan,
  },
  'a plan that was carried out asks for nothing more': {
    'every controller': harness('at rest nothing is left to write, for a new process either'),
    rebalancer: rebalancePlan,
    offers: offersPlan,
  },
  'the same seed gives the same trace': {
    'every controller': harness('the same life again writes the same in the same order'),
    'a whole cluster': { file: 'test/sim/trace.sim.test.ts', title: 'the same seed gives the same trace, to the byte: ${title}' },
    'one scheduler': wholeScheduler,
    'several schedulers': collisions,
    simulations: {
      file: 'src/roles/simulation/simulation.test.ts',
      title: 'a scenario is played through: what came, what waited, what was evicted, what it cost; again the same',
    },
  },
  'a crash between any two writes changes nothing of the end': {
    'every controller': harness('another process goes on after each write'),
    'a whole control plane, its scheduler included': killedAnywhere,
    'a scheduler among several': {
      file: 'test/sim/schedulers.sim.test.ts',
      title: 'when one dies its pods are placed by the others within the lease; pods that it left waiting too',
    },
    'a scheduler that is killed as a process': {
      file: 'test/integration/scheduler-process.test.ts',
      title: 'processes of their own bind, tell why, and take over the share of one that is killed',
    },
    'a framework': frameworks('a batch queue and a service scheduler share a cluster; one dies and comes back'),
  },
  'missed events change nothing of the end': {
    'every controller': harness('watches that end, break and expire'),
    'a whole cluster': convergence('watches that end, break and expire'),
  },
  'a stale view changes nothing of the end': {
    'every controller': harness('watches that lag by two seconds'),
    'a whole cluster': convergence('watches that lag'),
    'several schedulers': collisions,
  },
  'refused and half-lost writes change nothing of the end': {
    'every controller': harness('writes that are refused, fail or lose their answer'),
    'a whole cluster': convergence('writes that happened and whose answer is lost'),
    'a binding': { file: 'src/scheduler/loop.sim.test.ts', title: 'a refused binding is taken back and tried again' },
  },
  'who never answers holds nobody up': {
    'a framework': frameworks(
      'what is not answered goes to the others; what a dead framework was offered goes back; a framework that is deleted leaves nothing',
    ),
  },
} satisfies Readonly<Record<string, Readonly<Record<string, Shown>>>>

for (const [property, rows] of Object.entries(properties))
  test(`${property}: each loop has its test`, () => {
    const missing = Object.entries<Shown>(rows).filter(([, { file, title }]) => !readFileSync(file, 'utf8').includes(title))
    assert.deepEqual(missing, [])
  })
