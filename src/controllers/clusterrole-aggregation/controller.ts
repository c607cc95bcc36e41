import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { aggregatedRules } from './plan.ts'

const { clusterRoles } = kindRefs.rbacV1

/** Fills ClusterRoles that have an aggregationRule with the rules of those that it selects. */
export const clusterRoleAggregationController: ControllerDefinition = {
  name: 'clusterrole-aggregation',
  watches: [
    // Any role can be a part of any aggregate; there are few of these.
    watchKind(clusterRoles, (_change, context) =>
      context
        .informer(clusterRoles)
        .list()
        .filter((role) => role.aggregationRule)
        .map((role) => role.metadata.name ?? ''),
    ),
  ],
  writes: [clusterRoles],
  // It gathers permissions that it does not have itself.
  rules: [{ verbs: ['escalate'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'] }],
  minIntervalMs: 50,
  reconcile: async (context, name) => {
    const informer = context.informer(clusterRoles)
    const role = informer.get(name)
    const rules = role && aggregatedRules(role, informer.list())
    if (role && rules) await context.client.resource(clusterRoles).update({ ...role, rules: [...rules] })
  },
}
