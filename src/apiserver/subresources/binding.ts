import { toTime } from '../../base/clock.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import type { Binding, Pod, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { extendShared } from '../../machinery/shared-value.ts'
import { type Status, statusErrors } from '../../machinery/status-error.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import { admitPosted } from '../objects/managed-fields.ts'
import { asksForFit, checkFitAnnotation } from '../../kinds/keelson/placement.ts'
import type { Core, RequestContext } from '../core.ts'
import type { BatchHandler, VerbHandler } from '../dispatch.ts'
import { placePods } from '../placement/place-pods.ts'
import type { Resource } from '../registry.ts'
import type { Answer, VerbRequest } from '../verb-request.ts'
import { mutateEach, type Mutation } from '../verbs/mutate.ts'
import { bindingKind } from './expected-kinds.ts'

const bindingName = { group: '', resource: 'pods/binding' }

/** POST `pods/NAME/binding`: puts a pod on a node, once. */
export const podBinding: VerbHandler = (core, context, request) => bind(core, context, request, request.resource)

/** POST `bindings`, the old form: the pod is named by the Binding itself. */
export const bindings: VerbHandler = (core, context, request) => {
  const pods = core.registry.find('', 'v1', 'pods')
  if (!pods) throw statusErrors.pathNotFound()
  return bind(core, context, request, pods)
}

async function bind(core: Core, context: RequestContext, request: VerbRequest, pods: Resource): Promise<Answer> {
  const [outcome] = await bindEach(core, context, { requests: [request], pods })
  if (outcome!.status === 'rejected') throw outcome!.reason
  return outcome!.value
}

/** POSTs of `pods/NAME/binding` that came together: each is admitted, committed and answered for itself, all of them in one turn. */
export const podBindings: BatchHandler = (core, context, requests) => bindEach(core, context, { requests, pods: requests[0]!.resource })

type Outcome = PromiseSettledResult<Answer>
type Placing = {
  readonly i: number
  readonly binding: KubeObject & Binding
  readonly assign: (pod: KubeObject & Pod) => void
  readonly target: Omit<Mutation<KubeObject & Pod>, 'change'>
}

async function bindEach(
  core: Core,
  context: RequestContext,
  { requests, pods }: { readonly requests: readonly VerbRequest[]; readonly pods: Resource },
): Promise<readonly Outcome[]> {
  const admitted = await Promise.allSettled(requests.map((request) => admit(core, context, request, pods)))
  const now = toTime(core.clock.now())
  const { isContended } = core.placement
  const free: Placing[] = []
  const checked: Placing[] = []
  for (const [i, outcome] of admitted.entries()) {
    if (outcome.status === 'rejected') continue
    const { binding, name } = outcome.value
    const { namespace, parameters } = requests[i]!
    const assign = (pod: KubeObject & Pod) => assignPod(pod, binding, now)
    const target = { namespace, name, dryRun: parameters.dryRun }
    ;(isContended || asksForFit(binding) ? checked : free).push({ i, binding, assign, target })
  }
  const [written, placed] = await Promise.all([
    mutateEach(
      core,
      pods,
      free.map(({ target, assign }) => ({ ...target, change: (pod: KubeObject & Pod) => assigned(pod, assign) })),
    ),
    Promise.allSettled(checked.map((one) => placeOne(core, pods, one))),
  ])
  const done = new Map<number, PromiseSettledResult<unknown>>()
  for (const [n, { i }] of free.entries()) done.set(i, written[n]!)
  for (const [n, { i }] of checked.entries()) done.set(i, placed[n]!)
  return admitted.map((outcome, i) => {
    const result = done.get(i) ?? outcome
    return result.status === 'rejected' ? result : { status: 'fulfilled', value: bound }
  })
}

const success: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
const bound: Answer = { type: 'plain', code: 201, object: success }

/** If the node has the room at that moment. */
function placeOne(core: Core, pods: Resource, { binding, assign, target }: Placing): Promise<void> {
  const { namespace, name, dryRun = false } = target
  const refuses = { resource: bindingName, name }
  return placePods(core, { pods, namespace, names: [name], node: binding.target.name!, assign, dryRun, refuses })
}

/** Reads the Binding and takes it through admission. */
async function admit(
  core: Core,
  context: RequestContext,
  request: VerbRequest,
  pods: Resource,
): Promise<{ readonly binding: KubeObject & Binding; readonly name: string }> {
  const { namespace, parameters } = request
  const binding = request.body.object(bindingKind, context, parameters.fieldValidation) as KubeObject & Binding
  const name = request.name || (binding.metadata.name ?? '')
  if (binding.metadata.name !== name) throw statusErrors.badRequest('name in URL does not match name in Binding object')
  validate(binding, name)
  const admission = admissionRequest(context, {
    operation: 'CREATE',
    resource: pods,
    subresource: 'binding',
    namespace,
    name,
    object: binding,
    old: undefined,
    dryRun: parameters.dryRun,
    options: writeOptions('CreateOptions', parameters),
  })
  await admitPosted(core, context, { admission, expected: bindingKind, parameters })
  context.proceed?.()
  return { binding, name }
}

function validate(binding: Binding, name: string): void {
  const { kind, name: node } = (binding.target as Binding['target'] | undefined) ?? {}
  const errors = [
    ...(kind && kind !== 'Node' ? [fieldErrors.notSupported('target.kind', kind, ['Node', '<empty>'])] : []),
    ...(node ? [] : [fieldErrors.required('target.name')]),
  ]
  if (errors.length > 0) throw statusErrors.invalid({ group: '', kind: 'Binding' }, name, errors)
}

/** A copy as deep as `assignPod` changes it in place. */
function assigned(pod: KubeObject & Pod, assign: (pod: KubeObject & Pod) => void): KubeObject & Pod {
  const copy = { ...pod, metadata: { ...pod.metadata } }
  assign(copy)
  return copy
}

function withoutNode(spec: PodSpec): PodSpec {
  if (!('nodeName' in spec)) return spec
  const { nodeName: _, ...others } = spec
  return others
}

/** Puts the pod on the node. Throws 409 where it has one, is leaving, is gated, or is another one than was meant. */
export function assignPod(pod: KubeObject & Pod, binding: KubeObject & Binding, now: string): void {
  const { name = '', uid, resourceVersion } = pod.metadata
  const refuse = (why: string) => statusErrors.conflict(bindingName, name, why)
  const wanted = binding.metadata
  const precondition = (why: string) => statusErrors.conflict({ group: '', resource: 'pods' }, name, `Precondition failed: ${why}`)
  if (wanted.uid && wanted.uid !== uid) throw precondition(`UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`)
  if (wanted.resourceVersion && wanted.resourceVersion !== resourceVersion)
    throw precondition(`ResourceVersion in precondition: ${wanted.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`)
  if (pod.metadata.deletionTimestamp !== undefined) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`)
  if (pod.spec?.nodeName) throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`)
  if (pod.spec?.schedulingGates?.length) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`)
  pod.spec = extendShared(withoutNode(pod.spec!), 'nodeName', binding.target.name!)
  const { [checkFitAnnotation]: _, ...annotations } = wanted.annotations ?? {}
  if (Object.keys(annotations).length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations }
  if (wanted.labels) pod.metadata.labels = { ...pod.metadata.labels, ...wanted.labels }
  const scheduled = { type: 'PodScheduled', status: 'True' as const, lastProbeTime: null, lastTransitionTime: now }
  // It is where it was meant to go, or it is not: either way nothing is kept for it any more.
  const { nominatedNodeName: _n, ...status } = pod.status ?? {}
  pod.status = { ...status, conditions: [...(pod.status?.conditions ?? []).filter((c) => c.type !== 'PodScheduled'), scheduled] }
}
