import { unreachable } from '../../base/assert.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { controllerReference } from '../../control/ownership.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { configReferences } from '../../kinds/core/config-references.ts'
import type { ConfigMap, PodTemplateSpec, Secret } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { keyOf, type KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { type Content, contentOf, type History, historyType, readHistory, writeHistory } from './history.ts'
import { type Observed, planConfig, type Step } from './plan.ts'

const { configMaps, secrets } = kindRefs.coreV1
const { deployments, statefulSets, daemonSets } = kindRefs.appsV1

/** On a pod template: roll it out when its configuration changes. It goes with the template, so that a rollback keeps it. */
export const configRolloutAnnotation = 'keelson.dev/config-rollout'
/** On a pod template: the configuration that its pods were started with. */
export const configRevisionAnnotation = 'keelson.dev/config-revision'

type Workload = KubeObject & { readonly spec?: { readonly template?: PodTemplateSpec } }
type Config = ConfigMap & Secret & { readonly immutable?: boolean }
type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

const kinds: Readonly<Record<string, KindRef<Workload>>> = { deployment: deployments, statefulset: statefulSets, daemonset: daemonSets }
const configKinds: Readonly<Record<string, KindRef<Config>>> = { ConfigMap: configMaps, Secret: secrets }
const configIndex = 'configuration-of-workload'
/** Intent, template, record; or intent, objects, record. */
const stepsMax = 8

/** Keeps configuration and workload together: see docs/config-rollout.md. Workloads that do not ask for it cost nothing. */
export const configRolloutController: ControllerDefinition = {
  name: 'config-rollout',
  watches: [
    ...Object.entries(kinds).map(([kind, ref]) =>
      watchKind(ref, ({ current }) => (current && isFollowed(current) ? [`${kind}/${keyOf(current)}`] : [])),
    ),
    watchKind(configMaps, (change, context) => keysOfConfig('ConfigMap', change, context)),
    watchKind(secrets, (change, context) => keysOfConfig('Secret', change, context)),
  ],
  writes: [deployments, statefulSets, daemonSets, configMaps, secrets],
  // A user who changes two objects means one rollout.
  minIntervalMs: 1_000,
  reconcile,
}

const templateOf = ({ spec }: Workload) => spec?.template
const isFollowed = (workload: Workload) => templateOf(workload)?.metadata?.annotations?.[configRolloutAnnotation] === 'true'

function keysOfConfig(kind: string, { current, old }: Change<Config>, context: LoopContext): readonly string[] {
  const object = (current ?? old)!
  if (object.type === historyType || (current && old && deepEqual(contentOf(current), contentOf(old)))) return []
  const key = `${kind}/${keyOf(object)}`
  return Object.entries(kinds).flatMap(([workloadKind, ref]) => {
    const informer = context.informer(ref)
    informer.addIndex(configIndex, (workload) =>
      isFollowed(workload)
        ? configReferences(templateOf(workload)?.spec).map((one) => `${one.kind}/${workload.metadata.namespace}/${one.name}`)
        : [],
    )
    return informer.byIndex(configIndex, key).map((workload) => `${workloadKind}/${keyOf(workload)}`)
  })
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const slash = key.indexOf('/')
  const [kind, workloadKey] = [key.slice(0, slash), key.slice(slash + 1)]
  const ref = kinds[kind]!
  for (let step = 0; step < stepsMax; step++) {
    const workload = context.informer(ref).get(workloadKey)
    if (!workload || workload.metadata.deletionTimestamp || !isFollowed(workload)) return
    const name = `config-history-${kind}-${workload.metadata.name}`
    const stored = ownHistory(context.informer(secrets).get(`${workload.metadata.namespace}/${name}`), workload)
    const revision = Number(templateOf(workload)?.metadata?.annotations?.[configRevisionAnnotation])
    const templateRevision = Number.isSafeInteger(revision) && revision > 0 ? revision : undefined
    const next = planConfig({ templateRevision, history: stored && readHistory(stored), ...observeConfig(context, workload) })
    if ('event' in next && next.event) context.event(workload, next.event)
    if (next.type === 'none' || next.type === 'refuse') return
    await perform(context, { ref, workload, name, stored }, next)
  }
}

/** One that an earlier workload of the name left behind is not ours. */
function ownHistory(secret: Secret | undefined, { metadata }: Workload): Secret | undefined {
  return secret?.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) ? secret : undefined
}

function observeConfig(context: LoopContext, workload: Workload): Pick<Observed, 'live' | 'referenced' | 'immutable'> {
  const live: Record<string, Content> = {}
  const immutable = new Set<string>()
  const references = configReferences(templateOf(workload)?.spec)
  for (const { kind, name } of references) {
    const object = context.informer(configKinds[kind]!).get(`${workload.metadata.namespace}/${name}`)
    if (!object) continue
    live[`${kind}/${name}`] = contentOf(object)
    if (object.immutable) immutable.add(`${kind}/${name}`)
  }
  return { live, immutable, referenced: new Set(references.map(({ kind, name }) => `${kind}/${name}`)) }
}

type Subject = { readonly ref: KindRef<Workload>; readonly workload: Workload; readonly name: string; readonly stored: Secret | undefined }

async function perform(
  context: LoopContext,
  { ref, workload, name, stored }: Subject,
  step: Exclude<Step, { type: 'none' | 'refuse' }>,
): Promise<void> {
  const { namespace = '' } = workload.metadata
  switch (step.type) {
    case 'history':
      await write(context, { ref, workload, name, stored }, step.history)
      return
    case 'template': {
      const annotations = { [configRevisionAnnotation]: String(step.revision) }
      const body = { metadata: { resourceVersion: workload.metadata.resourceVersion }, spec: { template: { metadata: { annotations } } } }
      await context.client.resource(ref, namespace).patch(workload.metadata.name ?? '', { type: 'merge', body })
      return
    }
    case 'restore':
      for (const [key, content] of Object.entries(step.contents)) await restore(context, namespace, key, content)
      return
    default:
      unreachable(step)
  }
}

async function write(context: LoopContext, { ref, workload, name, stored }: Subject, history: History): Promise<void> {
  const { namespace = '' } = workload.metadata
  const resource = context.client.resource(secrets, namespace)
  const data = writeHistory(history)
  if (stored) return void (await resource.update({ ...stored, data }))
  const metadata = { name, namespace, ownerReferences: [{ ...controllerReference(ref, workload), blockOwnerDeletion: false }] }
  try {
    await resource.create({ apiVersion: 'v1', kind: 'Secret', metadata, type: historyType, data })
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error
    // Of an earlier workload of the name, or our own from a moment ago: the collector takes the one, the watch brings the other.
    throw new Error(`secret ${name} is in the way`, { cause: error })
  }
}

async function restore(context: LoopContext, namespace: string, key: string, { data, binaryData }: Content): Promise<void> {
  const [kind = '', name = ''] = key.split('/')
  const ref = configKinds[kind]!
  const resource = context.client.resource(ref, namespace)
  const current = context.informer(ref).get(`${namespace}/${name}`)
  const content = { ...(data ? { data: { ...data } } : {}), ...(binaryData ? { binaryData: { ...binaryData } } : {}) }
  if (!current) return void (await resource.create({ metadata: { name, namespace }, ...content }))
  const { data: _d, binaryData: _b, ...rest } = current
  await resource.update({ ...rest, ...content })
}
