import type { Client } from '../client/contract.ts'
import { deployments } from '../kinds/apps/deployment.ts'
import { pods } from '../kinds/core/pod.ts'
import type { KindRef } from '../kinds/kind.ts'
import { isStatus } from '../machinery/status-error.ts'
import { CliError } from './cli-error.ts'

/** What a command acts on: `pod/web`, `deployment/web`, `deploy/web`, or a bare name (a pod, else a deployment of that name). */
export type Target = { readonly kind: KindRef; readonly name: string }

const kinds: readonly { readonly words: readonly string[]; readonly kind: KindRef }[] = [
  { words: ['pod', 'pods', 'po'], kind: pods as KindRef },
  { words: ['deployment', 'deployments', 'deploy', 'deployment.apps', 'deployments.apps'], kind: deployments as KindRef },
]

/** What was written: the kind is undefined for a bare name. */
export type NamedTarget = { readonly kind: KindRef | undefined; readonly name: string }

/** Pure. Throws CliError for a kind that cannot be acted on. */
export function parseTarget(text: string): NamedTarget {
  const slash = text.indexOf('/')
  if (slash < 0) return { kind: undefined, name: text }
  const word = text.slice(0, slash).toLowerCase()
  const kind = kinds.find((k) => k.words.includes(word))?.kind
  if (!kind)
    throw new CliError(`"${word}" is neither a pod nor a deployment`, { nextStep: 'name it as pod/NAME or deployment/NAME', exitCode: 2 })
  if (slash === text.length - 1)
    throw new CliError(`"${text}" lacks a name`, { nextStep: 'name it as pod/NAME or deployment/NAME', exitCode: 2 })
  return { kind, name: text.slice(slash + 1) }
}

export async function findTarget(client: Client, namespace: string, { kind, name }: NamedTarget): Promise<Target> {
  if (kind) return { kind, name }
  for (const { kind: candidate } of kinds) {
    try {
      await client.resource(candidate, namespace).get(name)
      return { kind: candidate, name }
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error
    }
  }
  throw new CliError(`there is no pod and no deployment "${name}" in namespace "${namespace}"`, {
    nextStep: 'kubectl get pods,deployments shows what there is',
  })
}
