import type { ClusterRole, ClusterRoleBinding, PolicyRule, Subject } from '../../kinds/generated/types/rbac-v1.ts'

export const read = 'get list watch'
export const write = 'create delete deletecollection patch update'

/** A rule from words: `rule('get list', 'apps extensions', 'deployments replicasets')`; the core group is the empty word. */
export function rule(verbs: string, groups: string, resources: string): PolicyRule {
  return { verbs: verbs.split(' '), apiGroups: groups.split(' '), resources: resources.split(' ') }
}

export function paths(verbs: string, nonResourceURLs: readonly string[]): PolicyRule {
  return { verbs: verbs.split(' '), nonResourceURLs: [...nonResourceURLs] }
}

/** Events in both of their API groups. */
export const recordEvents: PolicyRule = { verbs: ['create', 'patch', 'update'], apiGroups: ['', 'events.k8s.io'], resources: ['events'] }

export const metadata = (name: string, labels: Record<string, string> = {}) => ({
  name,
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
})

export const clusterRole = (name: string, rules: readonly PolicyRule[], labels?: Record<string, string>): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: metadata(name, labels),
  rules: [...rules],
})

export const aggregateLabel = (into: string) => `rbac.authorization.k8s.io/aggregate-to-${into}`

/** Begins with the rules that the parts give it. */
export const aggregated = (name: string, rules: readonly PolicyRule[], labels?: Record<string, string>): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: metadata(name, labels),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateLabel(name)]: 'true' } }] },
  rules: [...rules],
})

export const binding = (role: string, subjects: readonly Subject[], name = role): ClusterRoleBinding => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: metadata(name),
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  ...(subjects.length > 0 ? { subjects: [...subjects] } : {}),
})
