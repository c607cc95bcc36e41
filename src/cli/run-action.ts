import type { Client } from '../client/contract.ts'
import type { Console } from './console.ts'
import { findTarget, type NamedTarget } from './target.ts'

export type RunVerb = 'start' | 'stop' | 'restart' | 'pause' | 'resume'

const done: Record<RunVerb, string> = { start: 'started', stop: 'stopped', restart: 'restarted', pause: 'paused', resume: 'resumed' }

/** `keelson start|stop|restart|pause|resume TARGET`: posts the subresource and says what happened in kubectl's manner. */
export async function runAction(
  context: { client: Client; namespace: string; console: Console },
  verb: RunVerb,
  options: { target: NamedTarget; gracePeriodSeconds?: number },
): Promise<void> {
  const { client, namespace } = context
  const { kind, name } = await findTarget(client, namespace, options.target)
  const body = {
    apiVersion: 'keelson.dev/v1',
    kind: 'RunAction',
    ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
  }
  await client.resource(kind, namespace).subresource(name, verb, body)
  const label = kind.group ? `${kind.kind.toLowerCase()}.${kind.group}` : kind.kind.toLowerCase()
  context.console.out(`${label}/${name} ${done[verb]}`)
}
