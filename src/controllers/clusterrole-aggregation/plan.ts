import type { ClusterRole, PolicyRule } from '../../kinds/generated/types/rbac-v1.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'

/** The rules that an aggregate should have: those of the selected roles by name, each once; undefined: it has them, or is no aggregate. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] | undefined {
  if (!role.aggregationRule) return undefined
  const rules: PolicyRule[] = []
  const seen = new Set<string>()
  for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
    const compiled = selectorFrom(selector)
    const parts = all
      .filter((other) => other.metadata.name !== role.metadata.name && matches(compiled, other.metadata.labels))
      .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    for (const rule of parts.flatMap((part) => part.rules ?? [])) {
      const text = JSON.stringify(rule)
      if (seen.has(text)) continue
      seen.add(text)
      rules.push(rule)
    }
  }
  const current = role.rules ?? []
  // In whatever order: roles that aggregate each other would otherwise take turns in reordering for ever.
  const isSame = current.length === rules.length && current.every((rule) => seen.has(JSON.stringify(rule)))
  return isSame ? undefined : rules
}
