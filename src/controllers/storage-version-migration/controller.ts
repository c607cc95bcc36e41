import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { allKinds } from '../../kinds/all.ts'
import type { CustomResourceDefinition } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { StorageVersionMigration } from '../../kinds/generated/types/storagemigration-v1beta1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { isMigrationOver } from '../../kinds/storagemigration/storage-version-migration.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusAfter, storedVersionsAfter, type Target, targetOf, type Told } from './plan.ts'

const { storageVersionMigrations } = kindRefs.storagemigrationV1beta1
const { customResourceDefinitions } = kindRefs.apiextensionsV1

const pageItems = 500
const parallelWrites = 16
/** To ask again would change nothing. */
const lasting = ['Invalid', 'BadRequest', 'Forbidden', 'MethodNotAllowed'] as const

const kinds = (): readonly KindRef[] => allKinds.filter((kind) => kind.persisted && !kind.storedAs && kind.verbs.includes('patch'))

/**
 * Writes every object of a resource as it is: the server stores it in the version and under the key of today, and leaves alone what is
 * stored so already. What is begun anew after a crash therefore costs a read.
 */
export const storageVersionMigrationController: ControllerDefinition = {
  name: 'storage-version-migrator',
  watches: [
    watchKind(storageVersionMigrations),
    watchKind(customResourceDefinitions, ({ current }, context) => {
      const { group, names } = current?.spec ?? {}
      const all = context.informer(storageVersionMigrations).list()
      const wanted = all.filter(({ spec }) => spec?.resource.resource === names?.plural && spec?.resource.group === group)
      return wanted.map(({ metadata }) => metadata.name ?? '')
    }),
  ],
  writes: [storageVersionMigrations, customResourceDefinitions],
  rules: [{ verbs: ['get', 'list', 'patch'], apiGroups: ['*'], resources: ['*'] }],
  concurrency: 1,
  reconcile,
}

async function reconcile(context: LoopContext, name: string): Promise<void> {
  const migration = context.informer(storageVersionMigrations).get(name)
  if (!migration?.spec || migration.metadata.deletionTimestamp || isMigrationOver(migration)) return
  const { group = '', resource } = migration.spec.resource as { group?: string; resource: string }
  const target = targetOf(migration.spec.resource, kinds(), context.informer(customResourceDefinitions).list())
  if (!target) {
    await tell(context, migration, { state: 'Running', message: `waits until ${group ? `${resource}.${group}` : resource} is served` })
    return
  }
  // As it is now: the watch may be behind whoever changed it and asked for the migration right after.
  const definition = target.definition && (await context.client.resource(customResourceDefinitions).get(target.definition.metadata.name!))
  const begun = await tell(context, migration, { state: 'Running', message: '', resourceVersion: await positionOf(context.client, target) })
  const refusal = await rewriteAll(context.client, target.kind)
  if (refusal === undefined && definition) await forgetOldVersions(context.client, definition)
  await tell(context, begun, refusal === undefined ? { state: 'Succeeded', message: '' } : { state: 'Failed', message: refusal })
}

async function tell(context: LoopContext, migration: StorageVersionMigration, told: Told): Promise<StorageVersionMigration> {
  const status = statusAfter(migration, told, context.clock.now())
  return status ? context.client.resource(storageVersionMigrations).updateStatus({ ...migration, status }) : migration
}

async function positionOf(client: Client, { kind }: Target): Promise<string> {
  return (await client.resource(kind).list({ limit: 1 })).metadata?.resourceVersion ?? ''
}

/** Gives why an object cannot be stored any more; what may pass is thrown, and tried again. */
async function rewriteAll(client: Client, kind: KindRef): Promise<string | undefined> {
  let token = ''
  do {
    const { items, metadata } = await client.resource(kind).list({ limit: pageItems, ...(token ? { continue: token } : {}) })
    for (let i = 0; i < items.length; i += parallelWrites) {
      const results = await Promise.all(items.slice(i, i + parallelWrites).map((item) => rewrite(client, kind, item)))
      const refusal = results.find((result) => result !== undefined)
      if (refusal !== undefined) return refusal
    }
    token = metadata?.continue ?? ''
  } while (token)
  return undefined
}

async function rewrite(client: Client, kind: KindRef, { metadata }: KubeObject): Promise<string | undefined> {
  const { namespace, name = '', uid, resourceVersion } = metadata
  try {
    await client.resource(kind, namespace).patch(name, { type: 'merge', body: { metadata: { uid, resourceVersion } } })
    return undefined
  } catch (error) {
    // Whoever was faster wrote it as it is stored today, or removed it.
    if (isStatus(error, 'Conflict') || isStatus(error, 'NotFound')) return undefined
    if (!(error instanceof Error) || !lasting.some((reason) => isStatus(error, reason))) throw error
    return `${namespace ? `${namespace}/` : ''}${name}: ${error.message}`
  }
}

/** Of a definition that has changed since the migration began nobody knows in which version what is. */
async function forgetOldVersions(client: Client, begun: CustomResourceDefinition): Promise<void> {
  const definitions = client.resource(customResourceDefinitions)
  const now = await definitions.get(begun.metadata.name ?? '')
  const storedVersions = storedVersionsAfter(begun, now)
  if (!storedVersions) return
  const { name = '', resourceVersion } = now.metadata
  await definitions.patch(
    name,
    { type: 'merge', body: { metadata: { resourceVersion }, status: { storedVersions } } },
    { subresource: 'status' },
  )
}
