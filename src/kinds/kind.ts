import type { FieldError } from '../machinery/field-error.ts'
import { apiVersionOf, type GroupVersionKind, type KubeObject } from '../machinery/object.ts'
import type { NamedAs } from '../machinery/object-meta.ts'

/**
 * One API kind: all that the platform knows about it. Routes, discovery, OpenAPI, columns, client types, console lists
 * and the registry-wide tests derive from the list in all.ts. To add a kind: one file with `defineKind`, one line in all.ts.
 *
 * Order of a write: decode (types by schema) → `applyDefaults` → who owns which field → mutating admission → `prepareFor…` → object meta
 * rules → `validate` → `validateCreate` or `validateUpdate` → validating admission. A status write runs `prepareForStatusUpdate` and `validateStatusUpdate`
 * only, as upstream does: a stored spec is not judged again because its status moved.
 */
export type KindDefinition<T extends KubeObject = KubeObject> = KindRef<T> & {
  readonly listKind: string
  /** Lower-case plural, as in paths: `pods`. */
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly scope: 'Namespaced' | 'Cluster'
  readonly verbs: readonly Verb[]
  readonly subresources: readonly Subresource[]
  /** Name of the schema in generated/schemas.json. Kinds of Keelson's own name one that is not there: they are stored and checked by their own rules. */
  readonly schema: string
  /** Of a custom kind: whatever says that it is of another kind is read, and refused when it is judged. */
  readonly isUnstructured?: true
  /** Of a custom kind: the version in which its objects are stored. */
  readonly storageVersion?: string
  /** `review` kinds (SubjectAccessReview, TokenReview, …) are answered, never stored. */
  readonly persisted: boolean
  /** Many of its objects have an equal `spec`: they share one object, which nobody changes. */
  readonly sharesSpec?: true
  /** Other kinds' storage that this one is another version of (`autoscaling/v1` of `v2`); conversion comes with it. */
  readonly storedAs?: StoredAs<T>
  /** Rules for metadata.name; default DNS-1123 subdomain. Returns messages without a path. */
  readonly validateName: (name: string, named: NamedAs & { readonly object: T }) => readonly string[]
  /**
   * What upstream's own rules of the kind say of metadata: nothing (what is wrong with it is told only where nothing else is), or all but what
   * generated names begin with. Absent: all.
   */
  readonly judgesMetadata?: 'never' | 'without-prefix'
  /** Fills defaults beyond the schema's. Mutates its argument, which is the caller's own copy. */
  readonly applyDefaults?: (object: T) => void
  /** On create: drop what clients may not set (status, …), set generation. Mutates its argument. */
  readonly prepareForCreate: (object: T, context: PrepareContext) => void
  /** On update of the main resource: keep status, bump generation when the spec changed, … Mutates `object`. */
  readonly prepareForUpdate: (object: T, old: T, context: PrepareContext) => void
  /** On update through `/status`: keep everything but status (and, as upstream, labels and annotations). Mutates `object`. */
  readonly prepareForStatusUpdate: (object: T, old: T, context: PrepareContext) => void
  /**
   * Everything beyond types (schema) and the object meta, required fields and enums included. Runs on create and on update; `old` is what is
   * updated, for rules that let pass what stood already. Pure.
   */
  readonly validate?: (object: T, old?: T) => FieldError[]
  /** What holds of creates only. Runs after `validate`. Pure. */
  readonly validateCreate?: (object: T) => FieldError[]
  /** What may not change, and what holds of updates only. Runs after `validate` of the new object. Pure. */
  readonly validateUpdate?: (object: T, old: T) => FieldError[]
  readonly validateStatusUpdate?: (object: T, old: T) => FieldError[]
  /** PUT and PATCH of the object itself through a subresource other than `status`: `ephemeralcontainers`, `resize`, `approval`, `finalize`. */
  readonly subresourceUpdates?: Readonly<Record<string, SubresourceUpdate<T>>>
  /**
   * On the first request to delete: may add finalizers and say so in the status, and the object then waits for them. Mutates its
   * argument. Absent: only the finalizers that are there hold an object.
   */
  readonly prepareForDelete?: (object: T, now: string) => void
  /** Why one may not be deleted, whoever asks; undefined: it may. Pure. */
  readonly refuseDeletion?: (object: T) => string | undefined
  /** Sent as a Warning header with every request to this version. */
  readonly deprecationWarning?: string
  /** Advice for the client about a new or changed object, sent as Warning headers; `old` is absent on create. Pure. */
  readonly warnings?: (object: T, old?: T) => readonly string[]
  /** The same about a status that was written. Pure. */
  readonly statusWarnings?: (object: T, old: T) => string[]
  /** Printer columns of `kubectl get`; Name comes first by itself only if listed. */
  readonly columns: readonly Column<T>[]
  /** What a row of a Table says beside its cells: that the object is done. */
  readonly rowConditions?: (object: T) => readonly RowCondition[] | undefined
  /** The order of rows in a Table; default: that of the list. */
  readonly compareRows?: (a: T, b: T) => number
  /** Field selector paths beyond metadata.name and metadata.namespace. Pure. */
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>
  /** Of the selectable fields the one that many ask for with a value each, as agents do for the pods of their nodes. */
  readonly indexedField?: string
  /** Grace of a delete, in seconds; undefined: the object is deleted at once. */
  readonly gracefulDeletion?: (object: T, requestedSeconds: number | undefined) => number | undefined
  /** Where `/scale` finds its numbers (JSON paths in dots). */
  readonly scale?: ScalePaths
  /** True where PUT may create a missing object (Lease, Event, Endpoints, …). */
  readonly allowCreateOnUpdate: boolean
  /** A hundred thousand of them is nothing unusual: whoever holds them all should not hold them parsed. */
  readonly isNumerous?: boolean
  /** True where an update without resourceVersion is accepted. */
  readonly allowUnconditionalUpdate: boolean
  /** Who deletes one and says nothing of its dependents leaves them behind, as its first version did; `warning`: what he is told then. */
  readonly orphansByDefault?: { readonly warning?: string }
}

export type RowCondition = {
  readonly type: 'Completed'
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

export type Subresource = {
  readonly name: string
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly verbs: readonly string[]
}

/** `group` is absent where only the version differs. */
export type StoredAs<T> = {
  readonly group?: string
  readonly version: string
  readonly toStored: (object: T) => KubeObject
  readonly fromStored: (object: KubeObject) => T
}

/** `prepare` keeps of `old` everything that the subresource does not own; `validate` then judges the rest. */
export type SubresourceUpdate<T> = {
  readonly prepare: (object: T, old: T, context: PrepareContext) => void
  readonly validate: (object: T, old: T) => FieldError[]
}

/** `selector` is a path to a label selector (or, for ReplicationController, a plain map). */
export type ScalePaths = { readonly specReplicas: string; readonly statusReplicas: string; readonly selector: string }

export type PrepareContext = {
  /** RFC 3339, for fields like lastTransitionTime. */
  readonly now: string
  readonly user: string
  /** Advice for the client, sent as a Warning header: for what can no longer be seen once the object is prepared. */
  readonly warn?: (message: string) => void
  /** Groups, uid and extra of the user, where a kind records them (CertificateSigningRequest). */
  readonly userInfo?: {
    readonly uid?: string
    readonly groups: readonly string[]
    readonly extra?: Readonly<Record<string, readonly string[]>>
  }
}

/** One printer column. `priority` 0 shows always, 1 only with `-o wide`. `cell` must not throw on partial objects. */
export type Column<T> = {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  readonly description?: string
  readonly priority: 0 | 1
  readonly cell: (object: T, nowMs: number) => string | number | boolean | undefined
}

/** A light reference to a kind, as clients, controllers and owner look-ups use it. */
export type KindRef<T extends KubeObject = KubeObject> = GroupVersionKind & {
  readonly plural: string
  readonly scope: 'Namespaced' | 'Cluster'
  /** Type only; never set. */
  readonly __object?: T
}

export function kindKey(gvk: GroupVersionKind): string {
  return `${apiVersionOf(gvk)}/${gvk.kind}`
}
