import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, sleep } from '../base/clock.ts'
import { kubeconfigPaths, loadKubeconfig, mergeContext, type NewContext } from '../client/kubeconfig.ts'
import { formatKubeconfig } from '../client/kubeconfig-text.ts'
import { CliError } from './cli-error.ts'
import { type ClusterState, type Daemon, readClusterState, writeClusterState } from './cluster-state.ts'
import { defaultDataDir, noteForeignEntries } from './data-dir.ts'
import { endOfLog, isRunning, startDaemon } from './daemon.ts'
import type { Machine, NetworkChoice, NodePlace } from './machine.ts'
import { adminKubeconfig, clientOf, servedListen } from './own-cluster.ts'
import { asOnlyCommand } from './one-command.ts'
import { ensurePackages } from './packages.ts'
import { createToken } from './token.ts'
import { agentNames, isMultiNode, planUp, type UpOptions, type UpPlan } from './up-plan.ts'
import { waitForNodes } from './wait-for-nodes.ts'

export type UpRequest = UpOptions & {
  readonly dataDir: string
  readonly kubeconfig: string | undefined
  readonly merge: boolean
  readonly timeoutMs: number
  /** Options that go to the server as they are, this once. */
  readonly joinFlags: readonly string[]
  /** For nodes in namespaces of this machine, which are made before the server runs. */
  readonly network: NetworkChoice
  /** For the server that joins another's cluster; it goes by the environment. */
  readonly token?: string | undefined
}

/** `keelson up`: from whatever is there to a running cluster whose nodes are Ready. Idempotent. */
export async function up(machine: Machine, request: UpRequest): Promise<ClusterState> {
  noteForeignEntries(request.dataDir)
  return asOnlyCommand(machine, request.dataDir, () => bringUp(machine, request))
}

async function bringUp(machine: Machine, request: UpRequest): Promise<ClusterState> {
  const { console } = machine
  const startedAt = machine.clock.monotonicMs()
  const startedAtMs = machine.clock.now()
  const old = readClusterState(request.dataDir)
  const plan = planUp(request, {
    state: old,
    isServerRunning: old !== undefined && isRunning(old.server),
    runningAgents: old?.agents.filter(isRunning).map((a) => a.nodeName) ?? [],
  })
  if (plan.type === 'refuse') throw new CliError(plan.message, { nextStep: plan.nextStep })
  const state = plan.type === 'keep' ? old! : await run(machine, { ...request, ...plan.options }, plan, old)
  // It may have been interrupted while it started.
  if (plan.type === 'keep') await untilServed(machine.clock, state.server, request)
  // After a start, what the store remembers of a node proves nothing.
  await waitForNodes(machine.clock, {
    client: clientOf(request.dataDir),
    state,
    timeoutMs: request.timeoutMs,
    aliveSinceMs: plan.type === 'keep' ? 0 : startedAtMs,
  })
  const context = publishKubeconfig(request)
  const seconds = ((machine.clock.monotonicMs() - startedAt) / 1000).toFixed(1)
  const verb = plan.type === 'keep' ? 'is already running' : `is up (${seconds} s)`
  console.say(`the cluster ${verb}: ${state.nodes} ${state.nodes === 1 ? 'node' : 'nodes'} Ready, runtime ${state.runtime}`)
  console.say(context)
  const there = request.dataDir === defaultDataDir() ? '' : ` --data-dir ${request.dataDir}`
  console.say(
    `next: kubectl get nodes; kubectl create deployment …; \`keelson status${there}\`, \`keelson explain POD\`, \`keelson down${there}\``,
  )
  return state
}

/** Starts what the plan misses. What runs already is kept: agents find a new server by themselves. */
async function run(
  machine: Machine,
  request: UpRequest,
  plan: Extract<UpPlan, { type: 'run' }>,
  old: ClusterState | undefined,
): Promise<ClusterState> {
  if (request.runtime === 'containerd') ensurePackages((line) => machine.console.say(line))
  const places = isMultiNode(request) ? await machine.createNodes(request.dataDir, agentNames(request), request.network) : []
  const running = old?.agents.filter(isRunning) ?? []
  // The nodes' bridge is made first: the server's certificate must carry the address that it gives the machine.
  const state = plan.isServerMissing ? await startServer(machine, request, running) : old!
  if (plan.missingAgents.length === 0) return state
  return startAgents(
    machine,
    request,
    state,
    places.filter((place) => plan.missingAgents.includes(place.nodeName)),
  )
}

export function serverArguments(
  request: Pick<UpRequest, 'dataDir' | 'listen' | 'runtime' | 'nodes' | 'store' | 'flags' | 'joinFlags'>,
): string[] {
  const runtime = isMultiNode(request) ? 'none' : request.runtime
  const count = runtime === 'fake' ? ['--nodes', String(request.nodes)] : []
  const store = request.store === undefined ? [] : ['--store', request.store]
  return [
    'server',
    '--data-dir',
    request.dataDir,
    '--listen',
    request.listen,
    '--runtime',
    runtime,
    ...count,
    ...store,
    ...request.flags.server,
    ...request.joinFlags,
    ...(isMultiNode(request) ? [] : request.flags.node),
  ]
}

async function startServer(machine: Machine, request: UpRequest, agents: ClusterState['agents']): Promise<ClusterState> {
  machine.console.say(`starting the control plane on ${request.listen} …`)
  const kubeconfig = adminKubeconfig(request.dataDir)
  rmSync(kubeconfig, { force: true })
  const server = startDaemon({
    command: [...machine.self, ...serverArguments(request)],
    logFile: join(request.dataDir, 'log/server.log'),
    ...(request.token === undefined ? {} : { env: { ...process.env, KEELSON_TOKEN: request.token } }),
  })
  const state: ClusterState = {
    version: 1,
    runtime: request.runtime,
    nodes: request.nodes,
    listen: request.listen,
    store: request.store,
    flags: request.flags,
    server,
    agents,
  }
  writeClusterState(request.dataDir, state)
  await untilServed(machine.clock, server, request)
  return state
}

async function untilServed(clock: Clock, server: Daemon, { dataDir, timeoutMs }: Pick<UpRequest, 'dataDir' | 'timeoutMs'>): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs
  for (;;) {
    if (!isRunning(server)) throw new CliError('the control plane stopped while starting', { nextStep: endOfLog(server) })
    if (await isReady(dataDir)) return
    if (clock.monotonicMs() > deadline)
      throw new CliError('the control plane did not become ready in time', { nextStep: `see ${server.logFile}` })
    await sleep(clock, 20)
  }
}

/** The server writes its admin kubeconfig once it listens; readiness is then what the API itself says. */
async function isReady(dataDir: string): Promise<boolean> {
  try {
    const response = await clientOf(dataDir).raw({ method: 'GET', path: '/readyz' })
    for await (const _ of response.body);
    return response.code === 200
  } catch {
    return false
  }
}

async function startAgents(machine: Machine, request: UpRequest, state: ClusterState, places: readonly NodePlace[]): Promise<ClusterState> {
  machine.console.say(`starting ${places.length === 1 ? 'a node' : `${places.length} nodes`} in network namespaces of their own …`)
  const listen = servedListen(request.dataDir, state)
  const port = listen.slice(listen.lastIndexOf(':') + 1)
  const client = clientOf(request.dataDir)
  const caHash = await machine.caHash(request.dataDir)
  const started = await Promise.all(
    places.map(async (place) => {
      const server = `https://${place.gateway}:${port}`
      const token = await createToken(
        { client, clock: machine.clock, random: machine.random, console: silentConsole },
        { ttlSeconds: 600, server, caHash, quiet: true },
      )
      const options = ['--server', server, '--ca-hash', caHash, '--node-name', place.nodeName, '--node-ip', place.address]
      const dirs = ['--data-dir', join(request.dataDir, 'nodes', place.nodeName), '--registries-dir', join(request.dataDir, 'registries.d')]
      const command = [...place.enter, ...machine.self, 'agent', ...options, ...dirs, ...request.flags.node]
      // The token goes by the environment: a command line can be read by every user of the machine.
      const daemon = startDaemon({
        command,
        logFile: join(request.dataDir, `log/${place.nodeName}.log`),
        env: { ...process.env, KEELSON_TOKEN: token },
      })
      return { ...daemon, nodeName: place.nodeName }
    }),
  )
  const names = new Set(started.map((a) => a.nodeName))
  const next = { ...state, agents: [...state.agents.filter((a) => !names.has(a.nodeName)), ...started] }
  writeClusterState(request.dataDir, next)
  return next
}

const silentConsole = { out() {}, say() {} }

function publishKubeconfig(request: UpRequest): string {
  const entry = adminContext(request.dataDir)
  if (request.kubeconfig) {
    writeFileSync(request.kubeconfig, formatKubeconfig(entry), { mode: 0o600 })
    return `kubeconfig written: export KUBECONFIG=${request.kubeconfig}`
  }
  if (!request.merge) return `kubeconfig: export KUBECONFIG=${adminKubeconfig(request.dataDir)}`
  const path = kubeconfigPaths()[0]!
  mergeContext(path, entry, { makeCurrent: true })
  return `kubectl's context is now "${contextName}" (${path})`
}

/** The name of the context, cluster and user that `up` writes. */
export const contextName = 'keelson'

function adminContext(dataDir: string): NewContext {
  const config = loadKubeconfig([adminKubeconfig(dataDir)])
  const cluster = config.clusters[0]?.cluster
  const user = config.users[0]?.user
  if (!cluster || !user)
    throw new CliError(`${adminKubeconfig(dataDir)} is not complete`, {
      nextStep: 'run `keelson down` and `keelson up` to have it written anew',
    })
  return { name: contextName, cluster, user }
}
