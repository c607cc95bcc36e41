import type { AccessFlag } from './access-flags.ts'

/** The flags of `keelson server` and `keelson up` on the API server itself, with upstream's names and meanings. */
export const apiServerFlags: readonly AccessFlag[] = [
  { name: 'service-node-port-range', argument: 'RANGE', help: 'the ports that Services get on nodes: min-max (default 30000-32767)' },
  { name: 'max-requests-inflight', argument: 'N', help: 'requests at work that read; with the next one these are the seats (default 400)' },
  { name: 'max-mutating-requests-inflight', argument: 'N', help: 'requests at work that write (default 200)' },
  { name: 'request-timeout', argument: 'DURATION', help: 'how long a request may take that is no watch, log or proxy (default 1m)' },
  { name: 'min-request-timeout', argument: 'SECONDS', help: 'a watch that names no timeout ends after this to twice this (default 1800)' },
  {
    name: 'goaway-chance',
    argument: 'FRACTION',
    help: 'of how many requests over HTTP/2 one ends its connection, for clients to spread over servers again: 0 to 0.02 (default 0)',
  },
  { name: 'event-ttl', argument: 'DURATION', help: 'how long an Event is kept after it was last told (default 1h)' },
  {
    name: 'default-not-ready-toleration-seconds',
    argument: 'N',
    help: 'how long a pod that does not say stays on a node that is not ready (default 300)',
  },
  {
    name: 'default-unreachable-toleration-seconds',
    argument: 'N',
    help: 'how long a pod that does not say stays on a node that is not heard of (default 300)',
  },
  { name: 'tls-san', argument: 'NAMES', isRepeated: true, help: 'more names and addresses of this server, for its certificate' },
  {
    name: 'feature-gates',
    argument: 'LIST',
    isRepeated: true,
    help: 'name=true,name=true: what is always on may be said to be; another value or name is refused',
  },
]

/** Those on the controllers. */
export const controllerFlags: readonly AccessFlag[] = [
  {
    name: 'controllers',
    argument: 'LIST',
    isRepeated: true,
    help: 'which of them run: * all, foo that one, -foo not that one; the first that names it decides (default *)',
  },
  {
    name: 'node-monitor-grace-period',
    argument: 'DURATION',
    help: 'how long a node may be silent before it counts as lost, at least 20s (default 50s)',
  },
  { name: 'node-startup-grace-period', argument: 'DURATION', help: 'the same for a node that has said nothing yet (default 1m)' },
  { name: 'node-eviction-rate', argument: 'N', help: 'nodes a second whose pods are evicted, in a zone that is well (default 0.1)' },
  { name: 'secondary-node-eviction-rate', argument: 'N', help: 'the same in a large zone that is not well (default 0.01)' },
  { name: 'unhealthy-zone-threshold', argument: 'SHARE', help: 'the share of lost nodes from which on a zone is not well (default 0.55)' },
  { name: 'large-cluster-size-threshold', argument: 'N', help: 'zones of more nodes than this are large (default 50)' },
  { name: 'terminated-pod-gc-threshold', argument: 'N', help: 'pods that have ended and are kept; 0: all (default 12500)' },
  { name: 'node-cidr-mask-size', argument: 'BITS', help: "a node's part of the pods' addresses, 16 to 28 (default 24)" },
  { name: 'horizontal-pod-autoscaler-sync-period', argument: 'DURATION', help: 'how often metrics are read (default 15s)' },
  { name: 'horizontal-pod-autoscaler-tolerance', argument: 'SHARE', help: 'how far from its target a metric may be (default 0.1)' },
  {
    name: 'horizontal-pod-autoscaler-downscale-stabilization',
    argument: 'DURATION',
    help: 'how long fewer pods must be enough before there are fewer (default 5m)',
  },
  {
    name: 'horizontal-pod-autoscaler-cpu-initialization-period',
    argument: 'DURATION',
    help: "how long after its start a pod's cpu says nothing unless it is ready (default 5m)",
  },
  {
    name: 'horizontal-pod-autoscaler-initial-readiness-delay',
    argument: 'DURATION',
    help: 'how long after its start a pod that is not ready counts as one that never was (default 30s)',
  },
  { name: 'max-endpoints-per-slice', argument: 'N', help: 'endpoints of an EndpointSlice, 1 to 1000 (default 100)' },
  { name: 'mirroring-max-endpoints-per-subset', argument: 'N', help: 'endpoints of a subset that are mirrored, 1 to 1000 (default 1000)' },
  { name: 'cluster-signing-duration', argument: 'DURATION', help: 'how long certificates are good that the cluster signs (default 8760h)' },
  {
    name: 'legacy-service-account-token-clean-up-period',
    argument: 'DURATION',
    help: 'how long a token in a Secret may be unused (default 8760h)',
  },
]
