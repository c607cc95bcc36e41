/**
 * Which labels a node may give itself: everything outside Kubernetes' own domains, and inside them only what describes the
 * machine (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction). Others, above all
 * those under `node-restriction.kubernetes.io`, are for administrators to keep workloads apart by.
 */
const machineLabels: ReadonlySet<string> = new Set([
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.kubernetes.io/region',
  'failure-domain.kubernetes.io/zone',
  'kubernetes.io/arch',
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
])

const agentDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io']

/** Keys whose change from `old` to `next` a node's agent may not make, sorted. */
export function refusedLabels(next: Readonly<Record<string, string>>, old: Readonly<Record<string, string>>): string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(old)])].filter((key) => next[key] !== old[key])
  return changed.filter((key) => !mayChange(key)).sort()
}

function mayChange(key: string): boolean {
  const slash = key.indexOf('/')
  if (slash < 0 || machineLabels.has(key)) return true
  const domain = key.slice(0, slash)
  if (agentDomains.some((own) => isWithin(domain, own))) return true
  return !isWithin(domain, 'kubernetes.io') && !isWithin(domain, 'k8s.io')
}

const isWithin = (domain: string, parent: string) => domain === parent || domain.endsWith(`.${parent}`)
