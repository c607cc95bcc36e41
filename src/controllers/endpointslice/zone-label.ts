export const zoneLabel = 'topology.kubernetes.io/zone'
