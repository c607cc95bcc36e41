import type { Client } from '../client/contract.ts'
import { selectorText } from '../kinds/core/pod-template/workload-template.ts'
import { daemonSets } from '../kinds/apps/daemon-set.ts'
import { deployments } from '../kinds/apps/deployment.ts'
import { replicaSets } from '../kinds/apps/replica-set.ts'
import { statefulSets } from '../kinds/apps/stateful-set.ts'
import { jobs } from '../kinds/batch/job.ts'
import { events } from '../kinds/core/event.ts'
import { pods } from '../kinds/core/pod.ts'
import type { LabelSelector } from '../kinds/generated/types/meta-v1.ts'
import type { Event, Pod } from '../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import { CliError } from './cli-error.ts'
import type { Console } from './console.ts'

type Named = KindRef & { readonly singular: string; readonly shortNames: readonly string[] }
type Workload = KubeObject & {
  readonly spec?: { readonly selector?: LabelSelector; readonly replicas?: number; readonly suspend?: boolean }
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[]
  }
}

const podWords = ['pod', 'pods', 'po']
const workloads: readonly Named[] = [deployments, replicaSets, statefulSets, daemonSets, jobs]
const wordsOf = ({ plural, singular, shortNames, group }: Named) =>
  [plural, singular, ...shortNames].flatMap((word) => [word, `${word}.${group}`])
const hint = { nextStep: 'name it as pod/NAME, NAME, or by its workload like deployment/NAME', exitCode: 2 }

/** A pod, or one of the pods of a workload: then `kind` is the workload's. */
export type PodTarget = { readonly text: string; readonly name: string; readonly kind: KindRef | undefined }

/** Pure: `web-0`, `pod/web-0`, or by a workload like `deployment/web`. Throws CliError for anything else. */
export function parsePodTarget(text: string): PodTarget {
  const [word = '', name, ...more] = text.split('/')
  if (name === undefined) return { text, name: text, kind: undefined }
  if (name === '' || more.length > 0) throw new CliError(`"${text}" is not the name of a pod`, hint)
  if (podWords.includes(word.toLowerCase())) return { text, name, kind: undefined }
  const kind = workloads.find((one) => wordsOf(one).includes(word.toLowerCase()))
  if (!kind) throw new CliError(`"${word}" is neither a pod nor a workload`, hint)
  return { text, name, kind }
}

/** The name of the pod; of a workload the first that is `wanted`, else its first, and that choice is said. Throws CliError where it has none. */
export async function podOf(
  { client, namespace, console }: { client: Client; namespace: string; console: Console },
  { text, name, kind }: PodTarget,
  wanted: (pod: Pod) => boolean,
): Promise<string> {
  if (!kind) return name
  const workload = await client.resource<Workload>(kind as KindRef<Workload>, namespace).get(name)
  const { items } = await client.resource<Pod>(pods, namespace).list({ labelSelector: selectorText(workload.spec?.selector) })
  const chosen = items.find(wanted) ?? items[0]
  const failure = workload.status?.conditions?.find((c) => c.type === 'ReplicaFailure' && c.status === 'True')?.message ?? ''
  if (!chosen) {
    const why = failure || (await whyNone({ client, namespace }, workload))
    throw new CliError(`${text} has no pods${why && `: ${why}`}`, { nextStep: `kubectl describe ${text} says more` })
  }
  if (failure) console.say(`${text} lacks pods: ${failure}`)
  if (items.length > 1) console.say(`${text} has ${items.length} pods: this is pod/${chosen.metadata.name}`)
  return chosen.metadata.name!
}

/** What its controller says of a workload without pods; '' where it says nothing. */
async function whyNone({ client, namespace }: { client: Client; namespace: string }, { metadata, spec }: Workload): Promise<string> {
  if (spec?.replicas === 0) return 'it asks for none'
  if (spec?.suspend) return 'it is suspended'
  const fieldSelector = `involvedObject.uid=${metadata.uid},reason=FailedCreate`
  const { items } = await client.resource(events, namespace).list({ fieldSelector })
  return items.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b))).at(-1)?.message ?? ''
}

const timeOf = ({ lastTimestamp, eventTime, metadata }: Event) => lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''
