import type { FlowSchemaSpec, PriorityLevelConfigurationSpec, Subject } from '../generated/types/flowcontrol-v1.ts'

/** Specs as upstream's messages write them: every field, by its name in Go. */

export function shownSchemaSpec(spec: FlowSchemaSpec): object {
  const { priorityLevelConfiguration, matchingPrecedence = 0, distinguisherMethod, rules } = spec
  return {
    PriorityLevelConfiguration: { Name: priorityLevelConfiguration?.name ?? '' },
    MatchingPrecedence: matchingPrecedence,
    DistinguisherMethod: distinguisherMethod ? { Type: distinguisherMethod.type } : null,
    Rules:
      rules?.map(({ subjects, resourceRules, nonResourceRules }) => ({
        Subjects: subjects?.map(shownSubject) ?? null,
        ResourceRules:
          resourceRules?.map(({ verbs, apiGroups, resources, clusterScope = false, namespaces }) => ({
            Verbs: verbs ?? null,
            APIGroups: apiGroups ?? null,
            Resources: resources ?? null,
            ClusterScope: clusterScope,
            Namespaces: namespaces ?? null,
          })) ?? null,
        NonResourceRules:
          nonResourceRules?.map(({ verbs, nonResourceURLs }) => ({ Verbs: verbs ?? null, NonResourceURLs: nonResourceURLs ?? null })) ??
          null,
      })) ?? null,
  }
}

function shownSubject({ kind, user, group, serviceAccount }: Subject): object {
  return {
    Kind: kind ?? '',
    User: user ? { Name: user.name } : null,
    Group: group ? { Name: group.name } : null,
    ServiceAccount: serviceAccount ? { Namespace: serviceAccount.namespace, Name: serviceAccount.name } : null,
  }
}

export function shownLevelSpec({ type, limited, exempt }: PriorityLevelConfigurationSpec): object {
  return {
    Type: type ?? '',
    Limited: limited
      ? {
          NominalConcurrencyShares: limited.nominalConcurrencyShares ?? 0,
          LimitResponse: shownResponse(limited.limitResponse),
          LendablePercent: limited.lendablePercent ?? null,
          BorrowingLimitPercent: limited.borrowingLimitPercent ?? null,
        }
      : null,
    Exempt: exempt
      ? { NominalConcurrencyShares: exempt.nominalConcurrencyShares ?? null, LendablePercent: exempt.lendablePercent ?? null }
      : null,
  }
}

function shownResponse(response: NonNullable<PriorityLevelConfigurationSpec['limited']>['limitResponse']): object {
  const queuing = response?.queuing
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing ?? {}
  return {
    Type: response?.type ?? '',
    Queuing: queuing ? { Queues: queues, HandSize: handSize, QueueLengthLimit: queueLengthLimit } : null,
  }
}
