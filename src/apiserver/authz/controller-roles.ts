/** What each control loop may do: least privilege, so that a loop gone wrong is bounded by its role. */
import type { PolicyRule } from '../../kinds/generated/types/rbac-v1.ts'
import { read, rule } from './rule-builder.ts'

/** `name` as in `system:controller:<name>-controller`. */
export type ControllerRole = { readonly name: string; readonly rules: readonly PolicyRule[] }

const events = [rule('create patch update', '', 'events'), rule('create patch update', 'events.k8s.io', 'events')]
const ownPods = [
  rule('create delete get list patch update watch', '', 'pods'),
  rule('create delete get list patch update watch', 'apps', 'controllerrevisions'),
]

const loop = (name: string, ...rules: readonly PolicyRule[]): ControllerRole => ({ name, rules: [...rules, ...events] })

export function controllerRoles(): readonly ControllerRole[] {
  return [
    loop(
      'deployment',
      rule('get list patch update watch', 'apps', 'deployments'),
      rule('update patch', 'apps', 'deployments/status deployments/finalizers'),
      rule('create delete get list patch update watch', 'apps', 'replicasets'),
      rule('get list patch update watch', '', 'pods'),
    ),
    loop(
      'replicaset',
      rule('get list patch update watch', 'apps', 'replicasets'),
      rule('patch update', 'apps', 'replicasets/status replicasets/finalizers'),
      ...ownPods,
    ),
    loop(
      'replication',
      rule('get list patch update watch', '', 'replicationcontrollers'),
      rule('patch update', '', 'replicationcontrollers/status replicationcontrollers/finalizers'),
      ...ownPods,
    ),
    loop(
      'statefulset',
      rule('get list patch update watch', 'apps', 'statefulsets'),
      rule('patch update', 'apps', 'statefulsets/status statefulsets/finalizers'),
      rule('create delete get list patch update watch', '', 'persistentvolumeclaims'),
      ...ownPods,
    ),
    loop(
      'daemonset',
      rule('get list patch update watch', 'apps', 'daemonsets'),
      rule('patch update', 'apps', 'daemonsets/status daemonsets/finalizers'),
      rule(read, '', 'nodes'),
      rule('create', '', 'pods/binding'),
      ...ownPods,
    ),
    loop(
      'job',
      rule('get list patch update watch', 'batch', 'jobs'),
      rule('patch update', 'batch', 'jobs/status jobs/finalizers'),
      ...ownPods,
    ),
    loop(
      'cronjob',
      rule('get list patch update watch', 'batch', 'cronjobs'),
      rule('patch update', 'batch', 'cronjobs/status cronjobs/finalizers'),
      rule('create delete get list patch update watch', 'batch', 'jobs'),
    ),
    loop('garbage-collector', rule('delete get list patch update watch', '*', '*')),
    loop(
      'namespace',
      rule('delete deletecollection get list watch', '*', '*'),
      rule('delete get list patch update watch', '', 'namespaces'),
      rule('patch update', '', 'namespaces/finalize namespaces/status'),
    ),
    loop('serviceaccount', rule('create get list watch', '', 'serviceaccounts'), rule(read, '', 'namespaces')),
    loop('root-ca-publisher', rule('create get list patch update watch', '', 'configmaps'), rule(read, '', 'namespaces')),
    loop(
      'endpoint',
      rule(read, '', 'pods services'),
      rule('create delete get list patch update watch', '', 'endpoints'),
      rule('create', '', 'endpoints/restricted'),
    ),
    loop(
      'endpointslice',
      rule(read, '', 'nodes pods services'),
      rule('create delete get list patch update watch', 'discovery.k8s.io', 'endpointslices'),
      rule('create', 'discovery.k8s.io', 'endpointslices/restricted'),
      rule('update', '', 'services/finalizers'),
    ),
    loop(
      'endpointslicemirroring',
      rule(read, '', 'endpoints services'),
      rule('create delete get list patch update watch', 'discovery.k8s.io', 'endpointslices'),
      rule('create', 'discovery.k8s.io', 'endpointslices/restricted'),
      rule('update', '', 'services/finalizers endpoints/finalizers'),
    ),
    loop(
      'node',
      rule('delete get list patch update watch', '', 'nodes'),
      rule('patch update', '', 'nodes/status'),
      rule('delete get list watch', '', 'pods'),
      rule('patch update', '', 'pods/status'),
      rule(read, 'coordination.k8s.io', 'leases'),
      rule(read, 'apps', 'daemonsets'),
    ),
    loop(
      'node-lifecycle',
      rule('get list patch update watch', '', 'nodes'),
      rule('patch update', '', 'nodes/status'),
      rule('delete get list watch', '', 'pods'),
      rule('patch update', '', 'pods/status'),
      rule(read, 'coordination.k8s.io', 'leases'),
    ),
    loop('node-ipam', rule('get list patch update watch', '', 'nodes'), rule('patch update', '', 'nodes/status')),
    loop(
      'pod-garbage-collector',
      rule('delete get list watch', '', 'pods'),
      rule('get list', '', 'nodes'),
      rule(read, '', 'nodes'),
      rule('patch update', '', 'pods/status'),
    ),
    loop('pod-gc', rule('delete get list watch', '', 'pods'), rule(read, '', 'nodes'), rule('patch update', '', 'pods/status')),
    loop('ttl-after-finished', rule('delete get list watch', 'batch', 'jobs')),
    loop(
      'disruption',
      rule(read, 'policy', 'poddisruptionbudgets'),
      rule('patch update', 'policy', 'poddisruptionbudgets/status'),
      rule(read, '', 'pods replicationcontrollers'),
      rule(read, 'apps', 'deployments replicasets statefulsets'),
      rule('get', '*', '*/scale'),
      rule('patch update', '', 'pods/status'),
    ),
    loop(
      'certificate',
      rule('delete get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
      rule('patch update', 'certificates.k8s.io', 'certificatesigningrequests/approval certificatesigningrequests/status'),
      rule('approve sign', 'certificates.k8s.io', 'signers'),
      rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    ),
    loop('clusterrole-aggregation', rule('escalate get list patch update watch', 'rbac.authorization.k8s.io', 'clusterroles')),
    loop('resourcequota', rule('list watch', '*', '*'), rule('patch update', '', 'resourcequotas/status')),
    loop('lease', rule('delete get list watch', 'coordination.k8s.io', 'leases'), rule(read, '', 'nodes')),
    loop(
      'run-state',
      rule('get list patch update watch', 'apps', 'deployments'),
      rule('get list patch update watch', '', 'pods'),
      rule('create', '', 'pods/start pods/stop pods/restart pods/pause pods/resume'),
    ),
  ]
}
