/**
 * What a pod waits for before it is placed: `keelson.dev/depends-on: deployment/db, job/migrate, other/statefulset/queue` on the pod, on its
 * template or on its workload. The API server gates such a pod; the depends-on controller takes the gate away. Pure.
 */
import type { Pod } from '../generated/types/core-v1.ts'

export const dependsOnAnnotation = 'keelson.dev/depends-on'
export const dependsOnGate = 'keelson.dev/depends-on'
export const dependenciesCondition = 'keelson.dev/DependenciesReady'

export const dependencyKinds = ['deployment', 'statefulset', 'daemonset', 'replicaset', 'job', 'pod', 'service'] as const
export type DependencyKind = (typeof dependencyKinds)[number]

export type Dependency = { readonly kind: DependencyKind; readonly namespace: string; readonly name: string }

const shortNames: Readonly<Record<string, DependencyKind>> = {
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  rs: 'replicaset',
  po: 'pod',
  svc: 'service',
}

/** The dependencies in the order written, each once, and the words that are none. `namespace` is that of the pod. */
export function parseDependencies(
  text: string,
  namespace: string,
): { readonly dependencies: readonly Dependency[]; readonly wrong: readonly string[] } {
  const dependencies = new Map<string, Dependency>()
  const wrong: string[] = []
  for (const word of text.split(/[\s,]+/).filter(Boolean)) {
    const parts = word.split('/')
    const [kindText = '', name = ''] = parts.slice(-2)
    const kind = kindOf(kindText.toLowerCase())
    const where = parts.length === 3 ? (parts[0] ?? '') : namespace
    if (parts.length < 2 || parts.length > 3 || !kind || !name || !where) wrong.push(word)
    else {
      const dependency = { kind, namespace: where, name }
      dependencies.set(dependencyKey(dependency), dependency)
    }
  }
  return { dependencies: [...dependencies.values()], wrong }
}

type Annotated = { readonly annotations?: Readonly<Record<string, string>> } | undefined

/** What the pods of a workload wait for: its template says it, or else the workload. */
export function declaredFor({ workload, template }: { readonly workload: Annotated; readonly template: Annotated }): string | undefined {
  return template?.annotations?.[dependsOnAnnotation] ?? workload?.annotations?.[dependsOnAnnotation]
}

function kindOf(text: string): DependencyKind | undefined {
  return shortNames[text] ?? dependencyKinds.find((kind) => kind === text || `${kind}s` === text)
}

/** `namespace/kind/name`. */
export function dependencyKey({ kind, namespace, name }: Dependency): string {
  return `${namespace}/${kind}/${name}`
}

export function isGated({ spec }: Pod): boolean {
  return spec?.schedulingGates?.some(({ name }) => name === dependsOnGate) ?? false
}

/** Gates a new pod that names dependencies. One that has its node already is past waiting. Mutates its argument. */
export function gateNewPod(pod: Pod): void {
  if (pod.metadata.annotations?.[dependsOnAnnotation] === undefined || !pod.spec || pod.spec.nodeName || isGated(pod)) return
  pod.spec.schedulingGates = [...(pod.spec.schedulingGates ?? []), { name: dependsOnGate }]
}
