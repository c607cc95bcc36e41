/** What objects went through, in its order: which conditions and phases each had, and which events were told of it. */
import type { Client } from '../../../src/client/contract.ts'
import { kindRefs } from '../../../src/client/generated/kind-refs.ts'
import type { Event } from '../../../src/kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../../src/kinds/kind.ts'
import type { KubeObject } from '../../../src/machinery/object.ts'
import { isTold, neutral } from './end-state-lines.ts'

/** Of these every state is one that somebody waits for; what pods go through is the agent's. */
const followed: readonly KindRef[] = [
  kindRefs.appsV1.deployments,
  kindRefs.batchV1.jobs,
  kindRefs.coreV1.persistentVolumeClaims,
  kindRefs.autoscalingV2.horizontalPodAutoscalers,
  kindRefs.policyV1.podDisruptionBudgets,
] as readonly KindRef[]

type Status = { readonly phase?: string; readonly conditions?: readonly { type: string; status: string; reason?: string }[] }

/** Follows a namespace until the signal aborts; `lines` gives what has been seen by then. */
export function followHistory(client: Client, namespace: string, signal: AbortSignal): { lines(): string[] } {
  /** By the objects' own names: several may look alike when these are told. */
  const seen = new Map<string, string[]>()
  const note = (about: string, what: string) => {
    const list = seen.get(about) ?? []
    if (list.at(-1) !== what) list.push(what)
    seen.set(about, list)
  }
  const follow = async <T extends KubeObject>(kind: KindRef<T>, see: (object: T, isNew: boolean) => void) => {
    try {
      for await (const event of client.resource(kind, namespace).watch({ signal, resourceVersion: '0' }))
        if (event.type === 'ADDED' || event.type === 'MODIFIED') see(event.object, event.type === 'ADDED')
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  for (const kind of followed)
    void follow(kind, (object) => {
      const { phase, conditions = [] } = (object as KubeObject & { status?: Status }).status ?? {}
      if (phase) note(`${kind.kind}/${object.metadata.name} phase`, phase)
      for (const { type, status, reason } of conditions)
        note(`${kind.kind}/${object.metadata.name} ${type}`, `${status} ${reason ?? ''}`.trim())
    })
  void follow(kindRefs.coreV1.events as KindRef<Event>, (event, isNew) => {
    if (!isNew || !isTold(event)) return
    const { kind, name } = event.involvedObject
    note(`${kind}/${name} events`, `${event.reason}: ${event.message}`)
  })
  const text = (one: string) => neutral(one, new Map())
  const told = (about: string, what: readonly string[]) =>
    about.endsWith(' Available') ? withoutWavering(what) : about.endsWith(' Progressing') ? withoutSteps(what) : what
  return {
    lines: () =>
      [...seen].map(([about, what]) => {
        const [object, ...rest] = about.split(' ')
        const [kind, name] = object!.split('/')
        return `History ${kind}/${text(name!)} ${rest.join(' ')}: ${told(about, what).map(text).join(' | ')}`
      }),
  }
}

/**
 * A workload that was available, was not, and is again, is told of once: whether a controller sees it between the birth of a pod and its
 * readiness depends on who is first, with upstream's as with ours. Pure.
 */
export function withoutWavering(states: readonly string[]): readonly string[] {
  const told: string[] = []
  for (const state of states) {
    told.push(state)
    const [a, b, c, d] = told.slice(-4)
    if (told.length >= 4 && a === c && b === d) told.splice(-2)
  }
  return told
}

/** Whether a rollout that ends was seen on its way hangs on whether its last pods come one by one. Pure. */
export function withoutSteps(states: readonly string[]): readonly string[] {
  return states.filter((state, i) => !(state === 'True ReplicaSetUpdated' && states[i + 1] === 'True NewReplicaSetAvailable'))
}
