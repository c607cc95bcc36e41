import type { PlacementRequest } from '../../cli/machine.ts'
import { CliError } from '../../cli/cli-error.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { seededRandom } from '../../base/random.ts'
import type { ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'
import type { Pod, Service } from '../../kinds/generated/types/core-v1.ts'
import type { PodGroup } from '../../kinds/generated/types/scheduling-v1alpha2.ts'
import { allKinds } from '../../kinds/all.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { apiVersionOf, controllerOf, keyOf, type KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { parseYamlDocuments } from '../../machinery/yaml.ts'
import { defaultConfiguration } from '../../scheduler/config/scheduler-configuration.ts'
import { planRebalance } from '../../scheduler/rebalance/rebalance-plan.ts'
import { rebalanceText } from '../../scheduler/rebalance/rebalance-text.ts'
import type { ClusterView } from '../../scheduler/what-if/cluster-view.ts'
import { type NewPod, planPlacement } from '../../scheduler/what-if/plan-placement.ts'
import { planText } from '../../scheduler/what-if/plan-text.ts'
import { looksAtUse } from '../../scheduler/what-if/planned-profiles.ts'
import { loadRebalancerConfiguration, loadSchedulerConfiguration } from '../options/scheduler-options.ts'
import { addedNodes } from './added-nodes.ts'
import { type Expansion, expandWorkload } from './expand-workload.ts'
import { readCluster } from './read-cluster.ts'

const fieldManager = 'keelson-plan'

/**
 * `keelson plan`: asks the server what the manifests would become (a dry run: defaults, admission, validation), reads the cluster, and
 * plays the placement through here. Writes nothing.
 */
export async function planManifests(
  client: Client,
  request: PlacementRequest,
): Promise<{ readonly text: string; readonly document: object }> {
  const { profiles } = (await loadSchedulerConfiguration(request.scheduler)) ?? defaultConfiguration
  const { policy } = await loadRebalancerConfiguration(request.rebalanceConfig)
  const objects = request.manifests.flatMap(({ file, text }) => parsed(file, text))
  const view = await readCluster(client, { asksForUse: looksAtUse(profiles) })
  const missing = [...new Set([...request.without, ...request.drained])].filter((n) => !view.nodes.some((o) => o.metadata.name === n))
  if (missing.length > 0) throw new CliError(`there is no node ${missing.map(quoted).join(', ')}`, { nextStep: 'see `kubectl get nodes`' })
  const added = request.nodesAdd.flatMap((text, i) => addedNodes(text, view.nodes, 1 + i * 1_000))
  const wanted = await dryRun(client, objects, request.namespace)
  const nodes = [...view.nodes.filter((n) => !request.without.includes(n.metadata.name!)), ...added]
  const expansions = wanted.flatMap((object) => expandWorkload(object, nodes) ?? [])
  const pods = await Promise.all(expansions.map((e) => defaulted(client, e)))
  const services = wanted.filter((o): o is Service => o.kind === 'Service' && o.apiVersion === 'v1')
  const podGroups = wanted.filter(
    (o): o is PodGroup => o.kind === 'PodGroup' && o.apiVersion === apiVersionOf(kindRefs.schedulingV1alpha2.podGroups),
  )
  const { replaced, kept } = replacements(view, wanted, pods.flat())
  const { plan, after } = planPlacement({
    view: {
      ...view,
      services: overlaid(view.services, services),
      podGroups: overlaid(view.podGroups, podGroups),
      claims: [...view.claims, ...missingClaims(view, expansions)],
    },
    whatIf: { addedNodes: added, without: request.without, drained: request.drained, replaced, pods: kept },
    profiles,
    random: seededRandom(1),
  })
  const document = { apiVersion: 'keelson.dev/v1', kind: 'PlacementPlan', ...plan }
  if (!request.rebalances) return { text: planText(plan), document }
  const rebalance = planRebalance({ view: after, policy, profiles })
  return { text: `${planText(plan)}\nthen, by the rebalancer: ${rebalanceText(rebalance)}`, document: { ...document, rebalance } }
}

/** What is there, and in its place what is wanted under the same name. */
function overlaid<T extends KubeObject>(there: readonly T[], wanted: readonly T[]): readonly T[] {
  return [...there.filter((s) => !wanted.some((o) => keyOf(o) === keyOf(s))), ...wanted]
}

const quoted = (name: string) => (name === '' ? '""' : name)

async function dryRun(client: Client, objects: readonly KubeObject[], namespace: string): Promise<readonly KubeObject[]> {
  const done: KubeObject[] = []
  for (const object of objects) {
    const kind = allKinds.find((k) => k.kind === object.kind && apiVersionOf(k) === object.apiVersion)
    // Of kinds that are not built in nothing is placed.
    if (!kind) continue
    const placed = kind.scope === 'Namespaced' ? { ...object, metadata: { namespace, ...object.metadata } } : object
    const isNewNamespace = objects.some((o) => o.kind === 'Namespace' && o.metadata.name === placed.metadata.namespace)
    try {
      const answer = await client.resource(kind, placed.metadata.namespace).apply(placed, { fieldManager, force: true, dryRun: true })
      done.push({ ...answer, apiVersion: object.apiVersion!, kind: object.kind! })
    } catch (error) {
      // Its namespace comes with it: the server cannot look at the object yet.
      if (!isNewNamespace || !isStatus(error, 'NotFound')) throw error
      done.push(placed)
    }
  }
  return done
}

function parsed(file: string, text: string): readonly KubeObject[] {
  const wrong = (why: string, cause?: unknown) =>
    new CliError(`cannot read ${file}: ${why}`, { nextStep: 'give manifests in YAML or JSON', exitCode: 2, cause })
  let documents: unknown[]
  try {
    documents = parseYamlDocuments(text)
  } catch (error) {
    throw wrong((error as Error).message, error)
  }
  const objects = documents.flatMap((d) => ((d as { kind?: string }).kind === 'List' ? (d as { items: unknown[] }).items : [d]))
  for (const object of objects as readonly Partial<KubeObject>[])
    if (typeof object?.kind !== 'string' || typeof object.apiVersion !== 'string' || typeof object.metadata?.name !== 'string')
      throw wrong('an object lacks apiVersion, kind or metadata.name')
  return objects as KubeObject[]
}

/** What admission adds to a pod (priority, limits, tolerations), learnt from one dry run a workload. */
async function defaulted(client: Client, { of, pods }: Expansion): Promise<readonly NewPod[]> {
  const [first] = pods
  if (!first) return []
  const { ownerReferences: _, ...metadata } = first.metadata
  const namespace = first.metadata.namespace ?? 'default'
  try {
    const { spec } = await client.resource(kindRefs.coreV1.pods, namespace).create({ ...first, metadata }, { dryRun: true })
    if (!spec) return pods.map((pod) => ({ of, pod }))
    // What tells the pods of one workload from each other stays each one's own.
    const own = ({ volumes, hostname, affinity }: NonNullable<Pod['spec']>) => ({
      ...(volumes ? { volumes } : {}),
      ...(hostname ? { hostname } : {}),
      ...(affinity ? { affinity } : {}),
    })
    return pods.map((pod) => ({ of, pod: { ...pod, metadata: { ...pod.metadata, namespace }, spec: { ...spec, ...own(pod.spec!) } } }))
  } catch (error) {
    if (!isStatus(error, 'NotFound') && !isStatus(error, 'AlreadyExists')) throw error
    return pods.map((pod) => ({ of, pod: { ...pod, metadata: { ...pod.metadata, namespace } } }))
  }
}

/**
 * A workload that is there already: pods of its present template are replaced by the new ones; with an unchanged template only the
 * difference in number is new.
 */
function replacements(
  view: ClusterView,
  wanted: readonly KubeObject[],
  pods: readonly NewPod[],
): { readonly replaced: ReadonlySet<string>; readonly kept: readonly NewPod[] } {
  const replaced = new Set<string>()
  const kept: NewPod[] = []
  for (const object of wanted) {
    const of = `${object.kind?.toLowerCase()}/${object.metadata.name}`
    const own = pods.filter((p) => p.of === of && p.pod.metadata.namespace === (object.metadata.namespace ?? 'default'))
    if (own.length === 0) continue
    const there = view.pods.filter((pod) => belongsTo(pod, object, view.replicaSets))
    const unchanged = there.filter((pod) => looksLike(pod, own[0]!.pod))
    const stay = unchanged.length === there.length ? Math.min(there.length, own.length) : 0
    for (const pod of there.slice(stay)) replaced.add(keyOf(pod))
    kept.push(...own.slice(stay))
  }
  return { replaced, kept }
}

function belongsTo(pod: Pod, owner: KubeObject, replicaSets: readonly ReplicaSet[]): boolean {
  if (pod.metadata.namespace !== owner.metadata.namespace) return false
  if (owner.kind === 'Pod') return pod.metadata.name === owner.metadata.name
  const controller = controllerOf(pod)
  if (!controller) return false
  if (controller.kind === owner.kind && controller.name === owner.metadata.name) return true
  if (owner.kind !== 'Deployment' || controller.kind !== 'ReplicaSet') return false
  const set = replicaSets.find((r) => r.metadata.uid === controller.uid)
  return set !== undefined && controllerOf(set)?.name === owner.metadata.name
}

/** By what placing looks at. */
function looksLike(a: Pod, b: Pod): boolean {
  const facts = ({ spec }: Pod) => ({
    containers: spec?.containers.map(({ name, image, resources }) => ({ name, image, resources: resources ?? {} })),
    nodeSelector: spec?.nodeSelector ?? {},
    affinity: spec?.affinity ?? {},
    spread: spec?.topologySpreadConstraints ?? [],
    schedulerName: spec?.schedulerName ?? 'default-scheduler',
  })
  return deepEqual(facts(a), facts(b))
}

function missingClaims(view: ClusterView, expansions: readonly Expansion[]): Expansion['claims'] {
  const there = new Set(view.claims.map(keyOf))
  return expansions.flatMap((e) => e.claims).filter((claim) => !there.has(keyOf(claim)))
}
