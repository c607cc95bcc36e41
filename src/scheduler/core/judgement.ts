import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PlanPlugin } from './plan.ts'

/**
 * A plugin that looks at what only one pod has: its claims on volumes and devices. Pods of one shape are not interchangeable for
 * it, so it is asked once an attempt. What it compiles serves that attempt alone, and such pods take the scan, unless it says that others
 * are judged alike: those take the cells.
 */
export type PodPlugin = {
  /** Upstream's plugin name. */
  readonly name: string
  /** What it says of a pod that fits nowhere and that it has nothing to do with (upstream's PostFilter); part of the message. */
  readonly idle?: string
  /** Undefined: nothing to say about this pod on any node. Reads what is, changes nothing. */
  readonly judge: (pod: Pod) => Judgement | undefined
  /** Stops following what it reads; nothing is asked of it afterwards. */
  readonly close?: () => void
}

export type Judgement =
  /** No node can take it as things are; `reason` is upstream's sentence. */
  | {
      readonly kind: 'Refused'
      readonly plugin: string
      readonly reason: string
      /** What whoever reads it can do, for explanations. */
      readonly remedy?: string
      readonly relief?: Relief
      /** It is not time to try it: nothing is said of it, as upstream says nothing of what its PreEnqueue holds back. */
      readonly isEarly?: true
    }
  /**
   * What each node says; `reserve` assumes for the chosen row what the pod needs there; `relieve` is asked when no node takes the pod:
   * what the plugin itself can do about that (upstream's PostFilter).
   */
  | {
      readonly kind: 'Judged'
      readonly plugin: PlanPlugin
      /**
       * Equal for pods to which the plugin gives equal answers on every node, and which change only together with the node's row: pods
       * of one shape that share it are then decided like any other. Undefined: the plugin serves this attempt alone.
       */
      readonly sharedAs?: string
      readonly reserve?: (row: number) => Reservation
      readonly relieve?: () => Relief
      /**
       * Set where nodes that were asked about could not be judged: why, by row. Where nothing else speaks against such a node the attempt
       * counts for nothing, whatever other nodes say.
       */
      readonly failure?: () => ((row: number) => string | undefined) | undefined
    }

/** `message` goes into the pod's condition, before what preemption says. */
export type Relief = { readonly message: string; readonly act?: (signal: AbortSignal) => Promise<void> }

export type Reservation = {
  /** Whose it is, for messages. */
  readonly plugin: string
  /** Writes what must stand before the pod is bound, and waits until it does. Rejects where it cannot be had: the pod then tries again. */
  readonly prepare: (signal: AbortSignal) => Promise<void>
  /** Takes back what was assumed. Idempotent; a no-op once the API shows it. */
  readonly release: () => void
  /** Takes back in the API what `prepare` wrote, where that must not outlive a pod that was not bound. Never rejects. */
  readonly undo?: () => Promise<void>
}

export type Judged = Extract<Judgement, { kind: 'Judged' }>
export type Refused = Extract<Judgement, { kind: 'Refused' }>

/** The first refusal, or what each plugin judged. */
export function judge(plugins: readonly PodPlugin[], pod: Pod): Refused | readonly Judged[] {
  let judged: Judged[] | undefined
  for (const plugin of plugins) {
    const judgement = plugin.judge(pod)
    if (judgement?.kind === 'Refused') return judgement
    if (judgement) (judged ??= []).push(judgement)
  }
  return judged ?? none
}

const none: readonly Judged[] = []
