import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterState } from './cluster-state.ts'
import { type UpFacts, type UpOptions, planUp } from './up-plan.ts'

const daemon = { pid: 1, startTicks: '1', logFile: '' }
const fake: ClusterState = { version: 1, runtime: 'fake', nodes: 3, listen: '127.0.0.1:7443', server: daemon, agents: [] }
const real: ClusterState = { ...fake, runtime: 'containerd' }
const all = ['node-1', 'node-2', 'node-3']
const none = { server: [], node: [] }
const options = (given: Partial<UpOptions> = {}): UpOptions => ({
  runtime: 'containerd',
  nodes: 1,
  listen: '0.0.0.0:6443',
  flags: none,
  resetsFlags: false,
  ...given,
  given: new Set(Object.keys(given)) as UpOptions['given'],
})
const facts = (state: ClusterState | undefined, isServerRunning = false, runningAgents: readonly string[] = []): UpFacts => ({
  state,
  isServerRunning,
  runningAgents,
})

/** `keep`, `refuse`, or what is run: `server node-1 … on LISTEN`. */
function check(title: string, wanted: UpOptions, given: UpFacts, expected: string): void {
  test(`up ${title}`, () => {
    const plan = planUp(wanted, given)
    const shown =
      plan.type === 'run'
        ? [...(plan.isServerMissing ? ['server'] : []), ...plan.missingAgents, 'on', plan.options.listen].join(' ')
        : plan.type
    assert.equal(shown, expected)
  })
}

check('starts a server where nothing was', options(), facts(undefined), 'server on 0.0.0.0:6443')
check('starts agents beside it for several real nodes', options({ nodes: 2 }), facts(undefined), 'server node-1 node-2 on 0.0.0.0:6443')
check('starts again as before where everything died', options(), facts(fake), 'server on 127.0.0.1:7443')
check('lets an option that is given win over what was before', options({ listen: ':9' }), facts(fake), 'server on :9')
check('keeps agents that outlived their server', options(), facts(real, false, all), 'server on 127.0.0.1:7443')
check('starts dead agents again', options(), facts(real, true, ['node-1', 'node-3']), 'node-2 on 127.0.0.1:7443')
check('keeps what runs when nothing else was asked for', options(), facts(real, true, all), 'keep')
check('keeps what runs when the same was asked for', options({ nodes: 3, runtime: 'fake' }), facts(fake, true), 'keep')
check('refuses another number of nodes while it runs', options({ nodes: 2 }), facts(fake, true), 'refuse')
check('refuses another runtime while agents run', options({ runtime: 'fake' }), facts(real, false, ['node-1']), 'refuse')

const audited = { server: ['--audit-log-path', '/a', '--rebalance', 'report'], node: ['--max-pods', '50'] }
const before: ClusterState = { ...fake, flags: audited }

function flagsOf(wanted: Partial<UpOptions>, state: ClusterState | undefined): unknown {
  const plan = planUp(options(wanted), facts(state))
  return plan.type === 'run' && plan.options.flags
}

test('flags stay until another value is given, or all are forgotten', () => {
  assert.deepEqual(flagsOf({}, before), audited)
  const server = ['--rebalance', 'move', '--tls-san', 'a', '--tls-san', 'b']
  assert.deepEqual(flagsOf({ flags: { server, node: [] } }, before), { server: ['--audit-log-path', '/a', ...server], node: audited.node })
  assert.deepEqual(flagsOf({ resetsFlags: true }, before), none)
  assert.deepEqual(flagsOf({ flags: audited }, fake), audited)
})

check('keeps what runs with the flags of before', options(), facts(before, true), 'keep')
check('keeps what runs with the same flags', options({ flags: audited }), facts(before, true), 'keep')

test('up refuses other flags while it runs, and names those that it runs with', () => {
  const refusal = (wanted: Partial<UpOptions>) => {
    const plan = planUp(options(wanted), facts(before, true))
    return plan.type === 'refuse' ? plan.message : plan.type
  }
  const flags = { server: ['--rebalance', 'move', '--tls-san', 'a'], node: [] }
  assert.equal(refusal({ flags }), 'a cluster is already running here with --rebalance report no --tls-san')
  assert.equal(
    refusal({ resetsFlags: true }),
    'a cluster is already running here with --audit-log-path /a --rebalance report --max-pods 50',
  )
})
