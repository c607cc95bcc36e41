import type { PolicyRule } from '../../kinds/generated/types/rbac-v1.ts'

export const read = 'get list watch'
export const write = 'create delete deletecollection patch update'

/** A rule from words: `rule('get list', 'apps', 'deployments replicasets')`. */
export function rule(verbs: string, group: string, resources: string): PolicyRule {
  return { verbs: verbs.split(' '), apiGroups: [group], resources: resources.split(' ') }
}

export function paths(verbs: string, nonResourceURLs: readonly string[]): PolicyRule {
  return { verbs: verbs.split(' '), nonResourceURLs: [...nonResourceURLs] }
}
