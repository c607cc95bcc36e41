import type { Client } from '../client/contract.ts'
import { parseTarget } from './target.ts'

export type LogsOptions = {
  readonly pod: string
  readonly container?: string
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly tail?: number
  readonly since?: number
}

/** `keelson logs POD`: streams a container's log to `write` as it arrives. */
export async function logs(
  context: { client: Client; namespace: string; write(chunk: Uint8Array): void },
  options: LogsOptions,
): Promise<void> {
  const { name } = parseTarget(options.pod)
  const query: Record<string, string> = {}
  if (options.container) query.container = options.container
  if (options.follow) query.follow = 'true'
  if (options.previous) query.previous = 'true'
  if (options.timestamps) query.timestamps = 'true'
  if (options.tail !== undefined) query.tailLines = String(options.tail)
  if (options.since !== undefined) query.sinceSeconds = String(options.since)
  const path = `/api/v1/namespaces/${encodeURIComponent(context.namespace)}/pods/${encodeURIComponent(name)}/log`
  const response = await context.client.raw({ method: 'GET', path, query })
  for await (const chunk of response.body) context.write(chunk)
}
