import type { Client } from '../client/contract.ts'
import { nodes } from '../kinds/core/node.ts'
import { pods } from '../kinds/core/pod.ts'
import type { Node, Pod } from '../kinds/generated/types/core-v1.ts'
import { quantityMilli, quantityValue } from '../machinery/quantity.ts'
import { podRequests } from '../kinds/pod-requests.ts'
import { type ClusterState, readClusterState } from './cluster-state.ts'
import { CliError } from './cli-error.ts'
import { table } from './console.ts'
import { isRunning } from './daemon.ts'
import type { Machine } from './machine.ts'
import { clientOf, servedListen } from './own-cluster.ts'

/** `keelson status`: the processes, the nodes with what is requested of them, and the pods by phase. */
export async function status(machine: Machine, request: { dataDir: string; output: 'text' | 'json' }): Promise<void> {
  const state = readClusterState(request.dataDir)
  if (!state) throw new CliError(`no cluster was started from ${request.dataDir}`, { nextStep: 'run `keelson up`', exitCode: 3 })
  if (!isRunning(state.server))
    throw new CliError('the control plane is not running', {
      nextStep: `run \`keelson up\`; its log is ${state.server.logFile}`,
      exitCode: 3,
    })
  const client = clientOf(request.dataDir)
  const report = await observe(client, { ...state, listen: servedListen(request.dataDir, state) })
  machine.console.out(request.output === 'json' ? JSON.stringify(report, null, 2) : render(report))
}

type NodeLine = {
  name: string
  status: string
  pods: number
  cpuRequestedMilli: number
  cpuAllocatableMilli: number
  memoryRequestedBytes: number
  memoryAllocatableBytes: number
}
type Report = {
  server: { pid: number; listen: string; version: string; logFile: string }
  runtime: string
  agents: { nodeName: string; isRunning: boolean }[]
  nodes: NodeLine[]
  podsByPhase: Record<string, number>
}

async function observe(client: Client, state: ClusterState): Promise<Report> {
  const [nodeList, podList, version] = await Promise.all([client.resource(nodes).list(), client.resource(pods).list(), readVersion(client)])
  const podsByPhase: Record<string, number> = {}
  for (const pod of podList.items) podsByPhase[pod.status?.phase ?? 'Unknown'] = (podsByPhase[pod.status?.phase ?? 'Unknown'] ?? 0) + 1
  return {
    server: { pid: state.server.pid, listen: state.listen, version, logFile: state.server.logFile },
    runtime: state.runtime,
    agents: state.agents.map((a) => ({ nodeName: a.nodeName, isRunning: isRunning(a) })),
    nodes: nodeList.items.map((node) => nodeLine(node, podList.items)),
    podsByPhase,
  }
}

function nodeLine(node: Node, allPods: readonly Pod[]): NodeLine {
  const mine = allPods.filter(
    (p) => p.spec?.nodeName === node.metadata.name && p.status?.phase !== 'Succeeded' && p.status?.phase !== 'Failed',
  )
  const requests = mine.map((p) => podRequests(p))
  const isReady = node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
  return {
    name: node.metadata.name ?? '',
    status: `${isReady ? 'Ready' : 'NotReady'}${node.spec?.unschedulable ? ',SchedulingDisabled' : ''}`,
    pods: mine.length,
    cpuRequestedMilli: requests.reduce((sum, r) => sum + (r.cpu ?? 0), 0),
    cpuAllocatableMilli: quantityMilli(node.status?.allocatable?.cpu ?? 0),
    memoryRequestedBytes: requests.reduce((sum, r) => sum + (r.memory ?? 0), 0),
    memoryAllocatableBytes: quantityValue(node.status?.allocatable?.memory ?? 0),
  }
}

async function readVersion(client: Client): Promise<string> {
  const response = await client.raw({ method: 'GET', path: '/version' })
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) text += decoder.decode(chunk, { stream: true })
  return (JSON.parse(text) as { gitVersion: string }).gitVersion
}

function render(report: Report): string {
  const mebi = (bytes: number) => `${Math.round(bytes / 2 ** 20)}Mi`
  const percent = (part: number, whole: number) => (whole > 0 ? ` (${Math.round((100 * part) / whole)}%)` : '')
  const nodeRows = report.nodes.map((n) => [
    n.name,
    n.status,
    String(n.pods),
    `${n.cpuRequestedMilli}m/${n.cpuAllocatableMilli}m${percent(n.cpuRequestedMilli, n.cpuAllocatableMilli)}`,
    `${mebi(n.memoryRequestedBytes)}/${mebi(n.memoryAllocatableBytes)}${percent(n.memoryRequestedBytes, n.memoryAllocatableBytes)}`,
  ])
  const phases =
    Object.entries(report.podsByPhase)
      .map(([phase, n]) => `${n} ${phase}`)
      .join(', ') || 'none'
  const dead = report.agents.filter((a) => !a.isRunning).map((a) => a.nodeName)
  return [
    `control plane   ${report.server.version} on ${report.server.listen}, process ${report.server.pid}, runtime ${report.runtime}`,
    ...(dead.length ? [`agents down     ${dead.join(', ')} (\`keelson up\` starts them again)`] : []),
    `pods            ${phases}`,
    '',
    table([['NODE', 'STATUS', 'PODS', 'CPU REQUESTED', 'MEMORY REQUESTED'], ...nodeRows]),
  ].join('\n')
}
