/** The flags of `keelson agent`, `server` and `up` on what the machine's node is, with upstream's names and meanings. */
export const nodeFlags = [
  { name: 'node-labels', argument: 'LIST', help: 'labels that the node keeps: key=value,key=value' },
  { name: 'register-with-taints', argument: 'LIST', help: 'taints of a node that is new: key=value:Effect,key:Effect' },
  { name: 'max-pods', argument: 'N', help: 'how many pods it takes, 1 to 250 (default 110)' },
  {
    name: 'system-reserved',
    argument: 'LIST',
    help: 'what pods cannot ask for: cpu=200m,memory=500Mi,ephemeral-storage=1Gi (default nothing)',
  },
  {
    name: 'eviction-hard',
    argument: 'LIST',
    help: 'when pods are evicted at once: memory.available<200Mi (the default for each signal is in docs/nodes.md)',
  },
  { name: 'eviction-soft', argument: 'LIST', help: 'when they are evicted after a while: memory.available<500Mi (default never)' },
  { name: 'eviction-soft-grace-period', argument: 'LIST', help: 'after which while: memory.available=1m30s' },
  { name: 'eviction-max-pod-grace-period', argument: 'SECONDS', help: 'the most time that those pods get to end (default 0)' },
  { name: 'eviction-minimum-reclaim', argument: 'LIST', help: 'how much more must be free again than the bound: nodefs.available=1Gi' },
  {
    name: 'eviction-pressure-transition-period',
    argument: 'DURATION',
    help: 'how long a pressure is told after it has gone (default 5m0s)',
  },
  { name: 'pod-manifest-path', argument: 'PATH', help: 'a folder with manifests of pods that the node runs by itself, or one manifest' },
  {
    name: 'shutdown-grace-period',
    argument: 'DURATION',
    help: 'what pods get to end before the machine stops (default 0s: nothing is done)',
  },
  { name: 'shutdown-grace-period-critical-pods', argument: 'DURATION', help: 'what of it is kept for critical pods (default 0s)' },
  {
    name: 'shutdown-grace-period-by-pod-priority',
    argument: 'LIST',
    help: 'in place of both, the seconds of pods from a priority on: 0=60,100000=20,2000000000=10',
  },
] as const

export type NodeFlagName = (typeof nodeFlags)[number]['name']
