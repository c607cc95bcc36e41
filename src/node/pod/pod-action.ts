import type { ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import type { TerminalReason } from './pod-records.ts'

/** One step that the pod loop performs. Steps of one plan are independent of each other. */
export type PodAction =
  /** Directories, cgroup and volumes, then the sandbox itself. */
  | { readonly type: 'createSandbox'; readonly attempt: number }
  | { readonly type: 'stopSandbox'; readonly sandboxId: string }
  | { readonly type: 'removeSandbox'; readonly sandboxId: string }
  /** Image, configuration, create, start, postStart hook. `restartsEndAtMs`: the end that this start answers, for the crash back-off. */
  | {
      readonly type: 'startContainer'
      readonly name: string
      readonly attempt: number
      readonly specHash: string
      readonly sandboxId: string
      readonly restartsEndAtMs: number | undefined
    }
  /** preStop hook, SIGTERM, SIGKILL after `graceSeconds`. Planned again while it runs; only an earlier end than the one under way counts. */
  | {
      readonly type: 'killContainer'
      readonly containerId: string
      readonly name: string
      readonly graceSeconds: number
      /** Text of the Killing event; empty: the usual one. */
      readonly message: string
    }
  /** `forRestart`: all containers are to run again; its end asked for that, or it is taken with the others. */
  | { readonly type: 'removeContainer'; readonly containerId: string; readonly name: string; readonly forRestart?: 'source' | 'target' }
  | { readonly type: 'pauseContainer' | 'resumeContainer'; readonly containerId: string; readonly name: string }
  | { readonly type: 'resizeContainer'; readonly containerId: string; readonly name: string; readonly resources: ResourceRequirements }
  /** The limits of the pod as a whole. */
  | { readonly type: 'resizePod' }
  | { readonly type: 'noteImageBackoff'; readonly name: string }
  | { readonly type: 'noteCrashBackoff'; readonly name: string; readonly delayMs: number }
  /** Gives up work under way. */
  | { readonly type: 'abort'; readonly key: string }
  /** The pod ends for a reason of its own: from here on it is Failed. */
  | { readonly type: 'endPod'; readonly terminal: TerminalReason }
  /** Volumes unmounted and removed, cgroups and directories gone. */
  | { readonly type: 'teardown' }
  /** The API object goes: grace 0, this uid only. */
  | { readonly type: 'deletePod' }

/** `isEnding`: the pod is on its way out, for whatever reason. */
export type PodPlan = { readonly actions: readonly PodAction[]; readonly wakeAtMs: number | undefined; readonly isEnding?: boolean }
