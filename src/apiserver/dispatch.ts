import { pathSegmentName } from '../machinery/names.ts'
import { type StatusError, statusErrors } from '../machinery/status-error.ts'
import type { Core, RequestContext } from './core.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { Resource } from './registry.ts'
import { type Answer, methodNotAllowed, successStatus, type VerbRequest } from './verb-request.ts'
import { authorizeCreate } from './verbs/authorize-create.ts'
import { createObject } from './verbs/create.ts'
import { deleteObject } from './verbs/delete.ts'
import { deleteCollection } from './verbs/delete-collection.ts'
import { getObject } from './verbs/get.ts'
import { listObjects } from './verbs/list.ts'
import { type DeletionOptions, orphanWarning } from './verbs/deletion-rules.ts'
import { checkIdentity, withoutVersion } from './verbs/object-identity.ts'
import { preconditionFailed } from './verbs/precondition.ts'
import { patchObject } from './verbs/patch.ts'
import { returnsDeleted } from './verbs/returns-deleted.ts'
import { updateObject } from './verbs/update.ts'
import { watchObjects } from './verbs/watch.ts'

export type VerbHandler = (core: Core, context: RequestContext, request: VerbRequest) => Promise<Answer> | Answer

/** Requests of one verb on one subresource that came together; answers in their order, a refusal where it concerns one alone. */
export type BatchHandler = (
  core: Core,
  context: RequestContext,
  requests: readonly VerbRequest[],
) => Promise<readonly PromiseSettledResult<Answer>[]>

/**
 * What answers each request: the verbs of plain resources here, subresources (`plural/subresource`, or `*` before the slash
 * for any plural) and kinds that are answered without being stored (`group/plural`) from the tables given.
 */
export type Dispatch = {
  readonly subresources: Readonly<Record<string, Readonly<Record<string, VerbHandler>>>>
  readonly virtual: Readonly<Record<string, VerbHandler>>
  /** Creations (`plural/subresource`) that share work when several come together; the others go one by one. */
  readonly batches: Readonly<Record<string, BatchHandler>>
}

const verbs: Readonly<Record<string, VerbHandler>> = {
  get: async (core, context, { resource, namespace, name, parameters }) => ({
    type: 'object',
    code: 200,
    resource,
    value: await getObject(core, context, { resource, namespace, name, resourceVersion: parameters.resourceVersion }),
  }),
  list: async (core, context, { resource, namespace, parameters }) => ({
    type: 'list',
    resource,
    page: await listObjects(core, context, { resource, namespace, ...parameters }),
  }),
  watch: async (core, context, { resource, namespace, name, parameters }) => {
    // The old `/watch/…/NAME` path is a watch of one name.
    const fieldSelector = parameters.fieldSelector ?? (name ? `metadata.name=${name}` : undefined)
    return { type: 'watch', resource, batches: await watchObjects(core, context, { resource, namespace, ...parameters, fieldSelector }) }
  },
  create: async (core, context, { resource, namespace, name, parameters, body }) => {
    // A name in the path and namespaced kinds without a namespace are no collection to post to.
    if (name !== '' && needsNamespace(resource, namespace)) throw statusErrors.pathNotFound()
    if (name !== '' || needsNamespace(resource, namespace)) throw methodNotAllowed()
    const object = body.object(resource.kind, context, parameters.fieldValidation)
    return { type: 'object', code: 201, resource, value: await createObject(core, context, { resource, namespace, object, parameters }) }
  },
  update: (core, context, request) => replaceObject(core, context, request),
  patch: (core, context, request) => patchObject(core, context, request),
  delete: async (core, context, { resource, namespace, name, parameters, body }) => {
    const options = body.deletion(context) ?? { ...parameters.deletion, dryRun: parameters.dryRun }
    warnOfOrphans(context, resource, options)
    const result = await deleteObject(core, context, { resource, namespace, name, options, dryRun: options.dryRun === true })
    if (result.isGone && !returnsDeleted.has(resource.kind.plural))
      return { type: 'plain', code: 200, object: successStatus(resource, result.metadata) }
    if (context.takesObjects && result.last && !resource.conversion) return { type: 'plain', code: 200, object: result.last }
    return { type: 'object', code: 200, resource, value: result.value }
  },
  deletecollection: async (core, context, { resource, namespace, parameters, body }) => {
    if (needsNamespace(resource, namespace)) throw methodNotAllowed()
    const options = body.deletion(context) ?? { ...parameters.deletion, dryRun: parameters.dryRun }
    const { labelSelector, fieldSelector } = parameters
    const dryRun = options.dryRun === true
    warnOfOrphans(context, resource, options)
    return {
      type: 'list',
      resource,
      page: await deleteCollection(core, context, { resource, namespace, labelSelector, fieldSelector, options, dryRun }),
    }
  },
}

/** Runs a verb. Throws StatusError for everything that goes wrong. */
export async function dispatchVerb(core: Core, dispatch: Dispatch, context: RequestContext, request: VerbRequest): Promise<Answer> {
  const { resource, verb, subresource } = request
  checkPlace(request)
  if (subresource !== '') return handlerOfSubresource(dispatch, request)(core, context, request)
  const { kind } = resource
  const handler = kind.persisted ? verbs[verb] : dispatch.virtual[`${kind.group}/${kind.plural}`]
  if (!handler || !kind.verbs.includes(verb as (typeof kind.verbs)[number])) {
    if (resource.isCustom && verb === 'create') throw createWhileEnding(context, request)
    throw methodNotAllowed()
  }
  if (!kind.persisted) return handler(core, context, request)
  if (oneByName.has(verb)) checkAddressed(request)
  return handler(core, context, request)
}

/** Runs creations that came together. Rejects only where none of them has been tried. */
export async function dispatchBatch(
  core: Core,
  dispatch: Dispatch,
  context: RequestContext,
  requests: readonly VerbRequest[],
): Promise<readonly PromiseSettledResult<Answer>[]> {
  const groups = new Map<BatchHandler | undefined, number[]>()
  for (const [i, { resource, subresource, namespace, name }] of requests.entries()) {
    const isAddressed = name !== '' && !needsNamespace(resource, namespace)
    const handler = isAddressed ? dispatch.batches[`${resource.kind.plural}/${subresource}`] : undefined
    const group = groups.get(handler)
    if (group) group.push(i)
    else groups.set(handler, [i])
  }
  const outcomes: PromiseSettledResult<Answer>[] = []
  await Promise.all(
    [...groups].map(async ([handler, indices]) => {
      const part = indices.map((i) => requests[i]!)
      const answers = handler
        ? await handler(core, context, part)
        : await Promise.allSettled(part.map((request) => dispatchVerb(core, dispatch, context, request)))
      for (const [n, i] of indices.entries()) outcomes[i] = answers[n]!
    }),
  )
  return outcomes
}

/** What is the cluster's is in no namespace, what is only answered has no name, and a slash parts names however it is written. */
function checkPlace({ resource, namespace, name, rest }: VerbRequest): void {
  const { kind } = resource
  // Of what can only be made in a namespace there is no collection of all namespaces.
  const isNowhere = needsNamespace(resource, namespace) && !kind.verbs.includes('list')
  const isInNamespace = kind.scope === 'Cluster' && namespace !== '' && kind.kind !== 'Namespace'
  const isNamed = name !== '' && !kind.persisted && !kind.verbs.includes('get')
  // What follows a proxy has been taken off before.
  if (isNowhere || isInNamespace || isNamed || rest !== '' || name.includes('/')) throw statusErrors.pathNotFound()
}

/** The definition of the kind is being deleted. */
function createWhileEnding(context: RequestContext, { resource, parameters, body }: VerbRequest): StatusError {
  const { name = '' } = body.object(resource.kind, context, parameters.fieldValidation).metadata
  return statusErrors.forbidden(resource.name, name, 'create not allowed while custom resource definition is terminating')
}

function warnOfOrphans(context: RequestContext, { kind }: Resource, options: DeletionOptions): void {
  const warning = orphanWarning(kind, options)
  if (warning !== undefined) context.warn(warning)
}

const oneByName: ReadonlySet<string> = new Set(['get', 'update', 'patch', 'delete'])

/** One object has a name, and a namespace where its kind has one. */
function checkAddressed({ resource, verb, name, namespace }: VerbRequest): void {
  if (name === '') throw methodNotAllowed()
  if (needsNamespace(resource, namespace)) throw statusErrors.pathNotFound()
  // The name in the body of a replacement is another one.
  const faults = verb === 'update' ? [] : pathSegmentName(name)
  if (faults.length > 0) throw statusErrors.badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${faults.join(';')}`)
}

function handlerOfSubresource(dispatch: Dispatch, { resource, verb, subresource, namespace, name }: VerbRequest): VerbHandler {
  const declared = resource.kind.subresources.find((s) => s.name === subresource)
  const table = dispatch.subresources[`${resource.kind.plural}/${subresource}`] ?? dispatch.subresources[`*/${subresource}`]
  if (!declared && resource.isCustom && name !== '') throw statusErrors.notFound(resource.name, name)
  if (!table || !declared || name === '' || needsNamespace(resource, namespace)) throw statusErrors.pathNotFound()
  const handler = table[verb] ?? table['*']
  if (!handler) throw methodNotAllowed()
  return handler
}

const needsNamespace = (resource: Resource, namespace: string) => resource.kind.scope === 'Namespaced' && namespace === ''

/** PUT of an object or of its status. */
export async function replaceObject(
  core: Core,
  context: RequestContext,
  request: VerbRequest,
  prepare?: (object: KubeObject, old: KubeObject) => void,
): Promise<Answer> {
  const { resource, namespace, name, subresource, parameters, body } = request
  const read = () => {
    const wanted = body.object(resource.kind, context, parameters.fieldValidation)
    checkIdentity(resource, wanted, request)
    return wanted
  }
  // What is wrong with it is told before anything else. A second attempt, which hardly any write needs, reads it again.
  let first: KubeObject | undefined = read()
  const own = () => {
    const wanted = first ?? read()
    first = undefined
    return wanted
  }
  const { value, created } = await updateObject(core, context, {
    resource,
    namespace,
    name,
    subresource,
    parameters,
    isReplace: true,
    change: own,
    ...(resource.kind.allowCreateOnUpdate && subresource === ''
      ? { createMissing: () => createdByReplace(core, context, request, own()) }
      : {}),
    ...(prepare ? { prepare } : {}),
  })
  return { type: 'object', code: created ? 201 : 200, resource, value }
}

/** A replacement that names a uid means an object that is there. */
async function createdByReplace(core: Core, context: RequestContext, request: VerbRequest, wanted: KubeObject): Promise<KubeObject> {
  await authorizeCreate(core, context, request)
  const { uid } = wanted.metadata
  if (uid) throw preconditionFailed(request.resource, request, { wanted: uid, found: '' })
  return withoutVersion(wanted)
}
