import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { isQuantity } from '../../machinery/quantity.ts'
import { CliError } from '../../cli/cli-error.ts'

/**
 * `--nodes-add COUNT[:KEY=VALUE,…]`: nodes that are not there. Keys are `like` (a node whose labels and sizes they take), `cpu`,
 * `memory`, `pods`, any other resource, and `label.NAME`. Without `like` they are like the first node of the cluster.
 */
export function addedNodes(text: string, nodes: readonly Node[], nextNumber: number): readonly Node[] {
  const match = /^([1-9]\d{0,3})(?::(.*))?$/.exec(text)
  if (!match) throw misuse(text, 'write it like 2, or 2:like=node-1,cpu=8,memory=32Gi,label.disk=ssd')
  const settings = (match[2] ?? '').split(',').filter((s) => s !== '')
  const pairs = settings.map((s) => [s.slice(0, s.indexOf('=')), s.slice(s.indexOf('=') + 1)] as const)
  const like = pairs.find(([key]) => key === 'like')?.[1]
  const model = like === undefined ? nodes[0] : nodes.find((n) => n.metadata.name === like)
  if (like !== undefined && !model) throw misuse(text, `there is no node ${like}`)
  const labels: Record<string, string> = { ...model?.metadata.labels }
  const allocatable: Record<string, string> = { cpu: '4', memory: '16Gi', pods: '110', ...model?.status?.allocatable }
  for (const [key, value] of pairs) {
    if (key === 'like') continue
    if (key.startsWith('label.')) labels[key.slice('label.'.length)] = value
    else if (isQuantity(value)) allocatable[key] = value
    else throw misuse(text, `${JSON.stringify(value)} is no quantity`)
  }
  return Array.from({ length: Number(match[1]) }, (_, i) => {
    const name = `added-${nextNumber + i}`
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { ...labels, 'kubernetes.io/hostname': name } },
      spec: {},
      status: { allocatable, capacity: allocatable },
    }
  })
}

const misuse = (text: string, nextStep: string) => new CliError(`cannot use --nodes-add ${text}`, { nextStep, exitCode: 2 })
