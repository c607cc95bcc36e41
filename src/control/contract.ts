import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import type { Informer } from '../client/informer-contract.ts'
import type { PolicyRule } from '../kinds/generated/types/rbac-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'

/** What every loop is given. Nothing else reaches it from outside. */
export type LoopContext = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The shared informer of a kind: one list and one watch a process, however many loops read it. Synced before reconcile is called. */
  informer<T extends KubeObject>(kind: KindRef<T>): Informer<T>
  /** The kinds beyond the built-in ones that are followed now (see ControllerDefinition.extensionKinds), each with a synced informer. */
  extensionKinds(): readonly KindRef[]
  /**
   * Records an Event about an object (aggregated and rate-limited as upstream's recorder does); `atMs`: when it happened, if not now.
   * Never throws, never blocks.
   */
  readonly event: (about: KubeObject, event: { type: 'Normal' | 'Warning'; reason: string; message: string; atMs?: number }) => void
  /** Resolves when every Event recorded so far has been written or dropped. */
  readonly eventsWritten: () => Promise<void>
}

/**
 * A controller is level-based: `reconcile(key)` looks at what is (from informers), plans with a pure function, acts through
 * the client, and may be called again at any time for any key. It must not depend on why it was called.
 */
export type ControllerDefinition = {
  /** Kebab-case, unique. */
  readonly name: string
  /** The service account of kube-system that it acts as, where upstream's is not `<name>-controller`. Loops may share one. */
  readonly account?: string
  /** What its events name as their source, where upstream has another name for it. Default `<name>-controller`. */
  readonly eventSource?: string
  /** Kinds whose changes enqueue keys. The first is the kind that keys name unless a mapper says otherwise. */
  readonly watches: readonly WatchDeclaration[]
  /** How kinds beyond the built-in ones are followed, for loops that look after kinds of every sort. */
  readonly extensionKinds?: ExtensionKindsDeclaration
  /** Kinds that it writes: checked against what it does in tests, and what its role grants. */
  readonly writes: readonly KindRef[]
  /** Permissions beyond reading `watches` and writing `writes` with their status, finalizers and scale. */
  readonly rules?: readonly PolicyRule[]
  /** Keys worked on at once; one key never runs twice at the same time. Default 8. */
  readonly concurrency?: number
  /**
   * The least time between two starts of one key, so that a burst of changes is looked at together. Default 0. The first
   * change after a quiet time is never delayed. A function where it grows with what there is to look at.
   */
  readonly minIntervalMs?: number | ((context: LoopContext, key: string) => number)
  readonly reconcile: (context: LoopContext, key: string, signal: AbortSignal) => Promise<ReconcileResult>
}

export type WatchDeclaration<T extends KubeObject = KubeObject> = {
  readonly kind: KindRef<T>
  /** Only `apiVersion`, `kind` and `metadata` are needed: the informer keeps no more unless another loop declares the whole. */
  readonly metadataOnly?: boolean
  /** Keys to enqueue for a change; default: the object's own key. `old` is undefined for a new object, `current` for a deleted one. */
  readonly keys?: (change: { readonly current: T | undefined; readonly old: T | undefined }, context: LoopContext) => readonly string[]
}

/** Of custom kinds, and of those that other API servers answer and that can be watched and deleted. */
export type ExtensionKindsDeclaration = {
  /**
   * Asked once for each kind that comes; its informer keeps metadata only, is synced before `context.extensionKinds()` names the kind,
   * and ends with it.
   */
  readonly watch: (kind: KindRef) => WatchDeclaration
  /** Keys to enqueue when a kind has come or gone, beside those of its objects. */
  readonly keys?: (kind: KindRef, context: LoopContext) => readonly string[]
  /** What the loop's role grants of every kind. */
  readonly access: 'read' | 'write'
}

/** Nothing more to do until something changes, or look again after `requeueAfterMs`. Throwing means back-off and retry. */
export type ReconcileResult = { readonly requeueAfterMs: number } | void
