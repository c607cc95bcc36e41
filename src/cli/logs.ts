import { createClientset, type LogOptions } from '../client/clientset.ts'
import type { Client } from '../client/contract.ts'
import { parseTarget } from './target.ts'

/** `keelson logs POD`: streams a container's log to `write` as it arrives. */
export async function logs(
  context: { client: Client; namespace: string; write(chunk: Uint8Array): void },
  options: LogOptions & { pod: string },
): Promise<void> {
  const { pod, ...parameters } = options
  const { name } = parseTarget(pod)
  for await (const chunk of createClientset(context.client).coreV1().pods(context.namespace).logs(name, parameters)) context.write(chunk)
}
