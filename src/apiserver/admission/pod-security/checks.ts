import { baselineChecks } from './baseline-checks.ts'
import type { Check, CheckPod, PodParts, Violation } from './pod-parts.ts'
import type { LevelVersion } from './policy.ts'
import { restrictedChecks } from './restricted-checks.ts'

/** The newest minor version in which any rule changed: later ones are judged like it. */
const minorMax = Math.max(...[...baselineChecks, ...restrictedChecks].flatMap(({ versions }) => versions.map(([minor]) => minor)))

const compiled = new Map<string, readonly CheckPod[]>()

/** Every rule of a level in a version that the pod breaks, in upstream's order (https://kubernetes.io/docs/concepts/security/pod-security-standards/). */
export function violationsOf({ level, version }: LevelVersion, pod: PodParts): Violation[] {
  if (level === 'privileged') return []
  const minor = version === 'latest' ? minorMax : Math.min(version, minorMax)
  const key = `${level}:${minor}`
  let checks = compiled.get(key)
  if (!checks) compiled.set(key, (checks = checksOf(level, minor)))
  return checks.flatMap((check) => check(pod) ?? [])
}

function checksOf(level: 'baseline' | 'restricted', minor: number): CheckPod[] {
  const inForce = (check: Check) => check.versions.findLast(([from]) => from <= minor)?.[1]
  const restricted = level === 'restricted' ? restrictedChecks.filter(inForce) : []
  const overridden = new Set(restricted.flatMap(({ overrides = [] }) => overrides))
  const byId = (checks: readonly Check[]) => checks.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return [...byId(baselineChecks.filter(({ id }) => !overridden.has(id))), ...byId(restricted)].flatMap((check) => inForce(check) ?? [])
}
