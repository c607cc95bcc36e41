/** One busy life of a cluster: deployed, scaled, rolled out and back, disturbed, and cleaned up. */
import type { Deployment } from '../../src/kinds/generated/types/apps-v1.ts'
import { isPodActive, isPodReady } from '../../src/kinds/pod-status.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { controllerOf, type KubeObject } from '../../src/machinery/object.ts'
import type { World } from './sim-world.ts'

export function deployment(
  name: string,
  more: { replicas?: number; image?: string; strategy?: object; pod?: object } = {},
): Deployment & KubeObject {
  const { replicas = 3, image = 'web:1', strategy, pod } = more
  const container = {
    name: 'c',
    image,
    resources: { requests: { cpu: '500m', memory: '64Mi' } },
    ports: [{ name: 'http', containerPort: 80 }],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      ...(strategy ? { strategy } : {}),
      template: { metadata: { labels: { app: name } }, spec: { containers: [container], ...pod } },
    },
  }
}

export const service = (name: string) => ({
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
})

export function deploymentIn(world: World, namespace: string, name: string): (KubeObject & Deployment) | undefined {
  return world.live.get(`/registry/apps/deployments/${namespace}/${name}`) as (KubeObject & Deployment) | undefined
}

/** The pods of an app, by name. */
export function podsOf(world: World, namespace: string, app: string): (KubeObject & Pod)[] {
  const prefix = `/registry/core/pods/${namespace}/`
  return [...world.live]
    .filter(([key, { metadata }]) => key.startsWith(prefix) && metadata.labels?.app === app)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, object]) => object as KubeObject & Pod)
}

/** The controller has seen the newest spec. */
export function isObserved(world: World, namespace: string, name: string): boolean {
  const found = deploymentIn(world, namespace, name)
  return found !== undefined && found.status?.observedGeneration === found.metadata.generation
}

/** Rolled out: all pods are of the newest template and available. */
export function isRolledOut(world: World, namespace: string, name: string): boolean {
  const { spec, status } = deploymentIn(world, namespace, name) ?? {}
  const replicas = spec?.replicas ?? 1
  if (!isObserved(world, namespace, name)) return false
  return status?.updatedReplicas === replicas && status.availableReplicas === replicas && status.replicas === replicas
}

export const image = (name: string) => ({
  type: 'strategic' as const,
  body: { spec: { template: { spec: { containers: [{ name: 'c', image: name }] } } } },
})

/** `pauseMs`: how long after steps that nothing is waited for; the end must not depend on it. */
export async function busyLife(world: World, pauseMs: number): Promise<void> {
  const { clientset } = world
  const apps = clientset.appsV1()
  const core = clientset.coreV1()
  await core.namespaces().create({ metadata: { name: 'team' } })
  await world.until('the account of the new namespace', () => world.live.has('/registry/core/serviceaccounts/team/default'))
  await world.until('the account of the first namespace', () => world.live.has('/registry/core/serviceaccounts/default/default'))
  await core.services('default').create(service('web'))
  await apps.deployments('default').create(deployment('web', { replicas: 4 }))
  await apps.deployments('team').create(deployment('slow', { replicas: 2, strategy: { type: 'Recreate' } }))
  await core.services('team').create(service('slow'))
  const budget = { metadata: { name: 'web' }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } } }
  await clientset.policyV1().podDisruptionBudgets('default').create(budget)
  await world.until('both rolled out', () => isRolledOut(world, 'default', 'web') && isRolledOut(world, 'team', 'slow'))

  // A rollout that keeps three of four, overtaken by another one before its end.
  world.invariants.expectReady('default/web', 3)
  await apps.deployments('default').patch('web', image('web:2'))
  await world.until('the second template is seen', () => isObserved(world, 'default', 'web'))
  await world.advance(pauseMs)
  await apps.deployments('default').patch('web', image('web:3'))
  await apps.deployments('team').patch('slow', image('slow:2'))
  await world.until('the third is rolled out', () => isRolledOut(world, 'default', 'web') && isRolledOut(world, 'team', 'slow'))
  world.invariants.expectReady('default/web', undefined)

  await apps.deployments('default').scale('web', 7)
  await world.advance(pauseMs)
  const [victim] = podsOf(world, 'default', 'web')
  await core.pods('default').delete(victim?.metadata.name ?? '')
  await world.advance(pauseMs)
  await apps.deployments('default').scale('web', 3)
  await world.until('scaled', () => isRolledOut(world, 'default', 'web'))

  // An owner with dependents that go with it, and one whose dependents stay.
  const owner = await core.configMaps('default').create({ metadata: { name: 'owner' } })
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid ?? '', blockOwnerDeletion: true }]
  for (const name of ['first', 'second']) await core.secrets('default').create({ metadata: { name, ownerReferences } })
  await core.configMaps('default').delete('owner', { propagationPolicy: 'Foreground' })
  await apps.deployments('default').create(deployment('kept', { replicas: 1 }))
  await world.until('the third app is there', () => isRolledOut(world, 'default', 'kept'))
  await apps.deployments('default').delete('kept', { propagationPolicy: 'Orphan' })

  await core.namespaces().delete('team')
  await world.until('the namespace is gone', () => !world.live.has('/registry/core/namespaces/team'))
}

export const readyPods = (world: World, namespace: string, app: string) =>
  podsOf(world, namespace, app).filter((pod) => isPodActive(pod) && isPodReady(pod))

export const ownerOf = (object: KubeObject) => controllerOf(object)?.uid
