import { isQuantity, quantityMilli, quantityValue } from '../machinery/quantity.ts'

/** What a node's machine was measured to use; the node writes it on its Lease, which it renews anyway. */
export type NodeUsage = { readonly cpuMilli: number; readonly memoryBytes: number }

/** On the Lease in kube-node-lease: `{"cpu":"1250m","memory":"3221225472"}`. */
export const nodeUsageAnnotation = 'keelson.dev/node-usage'

export function nodeUsageText({ cpuMilli, memoryBytes }: NodeUsage): string {
  return JSON.stringify({ cpu: `${Math.round(cpuMilli)}m`, memory: String(Math.round(memoryBytes)) })
}

/** Undefined for text that says nothing of both. */
export function parseNodeUsage(text: string | undefined): NodeUsage | undefined {
  if (text === undefined) return undefined
  try {
    const { cpu, memory } = JSON.parse(text) as { readonly cpu?: unknown; readonly memory?: unknown }
    if (!isQuantity(cpu) || !isQuantity(memory)) return undefined
    return { cpuMilli: quantityMilli(cpu as string), memoryBytes: quantityValue(memory as string) }
  } catch {
    return undefined
  }
}
