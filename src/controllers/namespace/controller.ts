import { kindRefs } from '../../client/generated/kind-refs.ts'
import { collectableKinds } from '../../control/collectable-kinds.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult, WatchDeclaration } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Namespace } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { apiVersionOf } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { deleteAggregatedContents } from './aggregated-contents.ts'
import { isPods, type Observed, planConditions, planDeletions, type Remaining } from './plan.ts'

const { namespaces, events } = kindRefs.coreV1
const { apiServices } = kindRefs.apiregistrationV1
const ownFinalizer = 'kubernetes'
const listTriesMax = 3

const isNamespaced = (kind: KindRef) => kind.scope === 'Namespaced'

/** Empties a namespace that is being deleted, then lets it go. */
export function namespaceController(kinds: readonly KindRef[] = collectableKinds()): ControllerDefinition {
  const contents = kinds.filter(isNamespaced)
  const leaving = (kind: KindRef): WatchDeclaration => ({
    kind,
    metadataOnly: true,
    keys: ({ current, old }, context) => {
      const name = (current ?? old)?.metadata.namespace ?? ''
      // The going of an object and a change of its finalizers can bring the end nearer; nothing is looked at while the namespace lives.
      return context.informer(namespaces).get(name)?.metadata.deletionTimestamp ? [name] : []
    },
  })
  return {
    name: 'namespace',
    watches: [watchKind(namespaces), watchKind(apiServices, (_, context) => terminating(context)), ...contents.map(leaving)],
    extensionKinds: { watch: leaving, access: 'write' },
    writes: [namespaces, events, ...contents],
    rules: [{ verbs: ['update'], apiGroups: [''], resources: ['namespaces/finalize'] }],
    concurrency: 10,
    minIntervalMs: 50,
    reconcile: (context, key) => reconcile([...contents, ...ownExtensions(context)], context, key),
  }
}

/** A group that can be asked again, or that is gone, may be what a namespace waits for. */
const terminating = (context: LoopContext): string[] =>
  context
    .informer(namespaces)
    .list()
    .flatMap(({ metadata }) => (metadata.deletionTimestamp && metadata.name ? [metadata.name] : []))

/** What other API servers hold is asked of them as it is now, also where it cannot be watched. */
function ownExtensions(context: LoopContext): readonly KindRef[] {
  const services = context.informer(apiServices).list()
  const foreign = new Set(services.flatMap(({ spec }) => (spec?.service ? [`${spec.group}/${spec.version}`] : [])))
  return context.extensionKinds().filter((kind) => isNamespaced(kind) && !foreign.has(apiVersionOf(kind)))
}

async function reconcile(contents: readonly KindRef[], context: LoopContext, name: string): Promise<ReconcileResult> {
  const namespace = context.informer(namespaces).get(name)
  if (!namespace?.metadata.deletionTimestamp || !namespace.spec?.finalizers?.includes(ownFinalizer)) return
  const aggregated = await deleteAggregatedContents(context.client, context.informer(apiServices).list(), name)
  const failures = [...aggregated.failures]
  const planned = planDeletions(cachedContents(contents, context, name))
  // What was told of the contents goes with them; the pods', which go first, tell of their end.
  const others = planned.length > 0 && !planned.some(isPods) ? [...planned, events] : planned
  failures.push(...(await deleteContents(context, name, others)))
  let remaining = cachedContents(contents, context, name)
  if (remaining.length === 0 && failures.length === 0) {
    // The caches show nothing: only the API itself can say that nothing was created a moment ago.
    const live = await liveContents([...contents, events], context, name)
    failures.push(...live.failures, ...(await deleteContents(context, name, planDeletions(live.remaining))))
    remaining = live.remaining
    if (remaining.length > 0) {
      const after = await liveContents(
        remaining.map(({ kind }) => kind),
        context,
        name,
      )
      failures.push(...after.failures)
      remaining = after.remaining
    }
  }
  remaining = [...remaining, ...aggregated.remaining]
  const { undiscovered } = aggregated
  const current = await writeConditions(context, { namespace, remaining, failures, undiscovered })
  if (undiscovered.length > 0)
    throw new Error(`the kinds of ${undiscovered.join(', ')} are not known, so namespace ${name} cannot be emptied`)
  if (failures.length > 0) throw new Error(`the contents of namespace ${name} could not be deleted: ${failures.join(', ')}`)
  if (remaining.length === 0) await finalize(context, current)
  // What the caches do not follow (events) ends at once; anything else announces its end.
  else if (cachedContents(contents, context, name).length === 0) return { requeueAfterMs: 500 }
  return undefined
}

function cachedContents(contents: readonly KindRef[], context: LoopContext, namespace: string): Remaining[] {
  return contents.map((kind) => ({ kind, objects: context.informer(kind).list(namespace) })).filter(({ objects }) => objects.length > 0)
}

type LiveContents = { readonly remaining: Remaining[]; readonly failures: string[] }

/** Of so many lists some may fail each time: only these are asked for again, or a namespace of a troubled server would never end. */
async function liveContents(contents: readonly KindRef[], context: LoopContext, namespace: string): Promise<LiveContents> {
  const remaining: Remaining[] = []
  let asked = contents
  for (let tries = 0; asked.length > 0 && tries < listTriesMax; tries++) {
    const failed: KindRef[] = []
    await Promise.all(
      asked.map(async (kind) => {
        try {
          const objects = (await context.client.resource(kind, namespace).list()).items
          if (objects.length > 0) remaining.push({ kind, objects })
        } catch (error) {
          context.log.warn({ namespace, kind: kind.kind, error: String(error) }, 'contents of a namespace could not be listed')
          failed.push(kind)
        }
      }),
    )
    asked = failed
  }
  return { remaining, failures: asked.map(qualified) }
}

const qualified = ({ plural, group }: KindRef) => `${plural}.${group}`

async function deleteContents(context: LoopContext, namespace: string, kinds: readonly KindRef[]): Promise<string[]> {
  const failures: string[] = []
  await Promise.all(
    kinds.map(async (kind) => {
      try {
        await context.client.resource(kind, namespace).deleteCollection({ propagationPolicy: 'Background' })
      } catch (error) {
        if (isStatus(error, 'NotFound') || isStatus(error, 'MethodNotAllowed')) return
        context.log.warn({ namespace, kind: kind.kind, error: String(error) }, 'contents of a namespace could not be deleted')
        const why = error instanceof Error ? error.message : String(error)
        failures.push(isPods(kind) ? `failed to delete pods for namespace: ${namespace}, err: ${why}` : why)
      }
    }),
  )
  return failures
}

async function writeConditions(context: LoopContext, observed: Observed): Promise<Namespace> {
  const { namespace } = observed
  const conditions = planConditions(observed, context.clock.now())
  if (deepEqual(conditions, namespace.status?.conditions)) return namespace
  try {
    return await context.client.resource(namespaces).updateStatus({ ...namespace, status: { ...namespace.status, conditions } })
  } catch (error) {
    // A conflict here must not hold up the deletion; the next reconcile writes the conditions.
    if (isStatus(error, 'Conflict')) return namespace
    throw error
  }
}

async function finalize(context: LoopContext, namespace: Namespace): Promise<void> {
  const spec = { ...namespace.spec, finalizers: (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== ownFinalizer) }
  try {
    await context.client
      .resource(namespaces)
      .subresource(namespace.metadata.name ?? '', 'finalize', { ...namespace, spec }, { method: 'PUT' })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
