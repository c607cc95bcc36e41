import { after, test } from 'node:test'
import { checkApiOperations } from './api-operations.ts'
import { startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())

const group = 'flowcontrol.apiserver.k8s.io'
const conditions = [{ type: 'E2E', status: 'True', reason: 'Set', message: 'Set from a test', lastTransitionTime: null }]

test('API priority and fairness should support FlowSchema API operations', () =>
  checkApiOperations(conformance, {
    group,
    version: 'v1',
    plural: 'flowschemas',
    make: (name) => ({
      metadata: { name },
      spec: {
        matchingPrecedence: 10_000,
        priorityLevelConfiguration: { name: 'global-default' },
        distinguisherMethod: { type: 'ByUser' },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'example-e2e-non-existent-user' } }],
            nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
          },
        ],
      },
    }),
    status: { conditions },
  }))

test('API priority and fairness should support PriorityLevelConfiguration API operations', () =>
  checkApiOperations(conformance, {
    group,
    version: 'v1',
    plural: 'prioritylevelconfigurations',
    make: (name) => ({
      metadata: { name },
      spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } },
    }),
    status: { conditions },
  }))
