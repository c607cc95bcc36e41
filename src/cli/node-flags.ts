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
    help: 'when pods are evicted (default memory.available<100Mi,nodefs.available<10%,pid.available<10%)',
  },
] as const

export type NodeFlagName = (typeof nodeFlags)[number]['name']
