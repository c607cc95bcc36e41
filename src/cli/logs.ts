import { createClientset, type LogOptions } from '../client/clientset.ts'
import type { Client } from '../client/contract.ts'
import { isPodReady } from '../kinds/pod-status.ts'
import type { Console } from './console.ts'
import { type PodTarget, podOf } from './pod-of.ts'

/** `keelson logs POD`: streams a container's log to `write` as it arrives. */
export async function logs(
  context: { client: Client; namespace: string; console: Console; write(chunk: Uint8Array): void },
  options: LogOptions & { pod: PodTarget },
): Promise<void> {
  const { pod, ...parameters } = options
  const name = await podOf(context, pod, (one) => isPodReady(one))
  for await (const chunk of createClientset(context.client).coreV1().pods(context.namespace).logs(name, parameters)) context.write(chunk)
}
