/** Objects that are accepted as they are, so that breaking one place of them reaches the rules behind the types. */
import { realisticPod } from '../../src/apiserver/pod-fixture.ts'

const labels = { app: 'web' }
const template = { metadata: { labels }, spec: realisticPod('web').spec }

/** By `group/plural`. */
export const validObjects: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '/pods': { spec: realisticPod('web').spec },
  '/podtemplates': { template },
  '/replicationcontrollers': { spec: { replicas: 1, selector: labels, template } },
  '/services': { spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http', nodePort: 30_080 }], type: 'NodePort' } },
  '/endpoints': { subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ name: 'http', port: 80 }] }] },
  '/configmaps': { data: { a: 'b' }, binaryData: { c: 'ZA==' } },
  '/secrets': { type: 'Opaque', data: { a: 'Yg==' } },
  '/serviceaccounts': { automountServiceAccountToken: false },
  '/resourcequotas': { spec: { hard: { pods: '10', 'requests.cpu': '4' } } },
  '/limitranges': { spec: { limits: [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '100m' } }] } },
  '/persistentvolumes': { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } } },
  '/persistentvolumeclaims': { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  '/nodes': { spec: { podCIDR: '10.244.9.0/24', taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] } },
  '/namespaces': { spec: {} },
  '/events': {
    involvedObject: { kind: 'Pod', namespace: 'fuzz', name: 'web' },
    reason: 'Fuzzed',
    message: 'm',
    type: 'Normal',
    source: { component: 'fuzz' },
  },
  'apps/deployments': { spec: { replicas: 2, selector: { matchLabels: labels }, template, strategy: { type: 'RollingUpdate' } } },
  'apps/replicasets': { spec: { replicas: 1, selector: { matchLabels: labels }, template } },
  'apps/statefulsets': { spec: { replicas: 2, serviceName: 'web', selector: { matchLabels: labels }, template } },
  'apps/daemonsets': { spec: { selector: { matchLabels: labels }, template } },
  'apps/controllerrevisions': { revision: 1, data: { a: 1 } },
  'batch/jobs': {
    spec: {
      completions: 2,
      parallelism: 2,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i', command: ['true'] }] } },
    },
  },
  'batch/cronjobs': {
    spec: {
      schedule: '*/5 * * * *',
      jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'c', image: 'i' }] } } } },
    },
  },
  'autoscaling/horizontalpodautoscalers': {
    spec: { minReplicas: 1, maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
  },
  'policy/poddisruptionbudgets': { spec: { maxUnavailable: 1, selector: { matchLabels: labels } } },
  'discovery.k8s.io/endpointslices': {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
    ports: [{ name: 'http', port: 80 }],
  },
  'coordination.k8s.io/leases': { spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.000000Z' } },
  'rbac.authorization.k8s.io/roles': { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  'rbac.authorization.k8s.io/clusterroles': {
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: labels }] },
  },
  'rbac.authorization.k8s.io/rolebindings': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
  },
  'networking.k8s.io/ingresses': {
    spec: {
      rules: [
        {
          host: 'example.com',
          http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] },
        },
      ],
    },
  },
  'networking.k8s.io/networkpolicies': { spec: { podSelector: { matchLabels: labels }, ingress: [{ from: [{ podSelector: {} }] }] } },
  'scheduling.k8s.io/priorityclasses': { value: 1000 },
  'storage.k8s.io/storageclasses': { provisioner: 'example.com/p' },
  'admissionregistration.k8s.io/validatingadmissionpolicies': {
    spec: {
      failurePolicy: 'Ignore',
      matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }] },
      variables: [{ name: 'labels', expression: 'object.metadata.?labels.orValue({})' }],
      validations: [{ expression: "!('forbidden' in variables.labels)", messageExpression: "'no ' + object.metadata.name" }],
    },
  },
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': { spec: { policyName: 'web', validationActions: ['Audit', 'Warn'] } },
  'fuzz.example.com/things': { spec: { size: 3, name: 'a', parts: [{ id: 'x', list: ['a', 'b'] }], any: { b: 1 } }, status: { size: 1 } },
}

const text = { type: 'string', maxLength: 20 }
/** The definition of the custom kind. */
export const customDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.fuzz.example.com' },
  spec: {
    group: 'fuzz.example.com',
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing', shortNames: ['th'], categories: ['all'] },
    versions: ['v1', 'v2'].map((name, i) => ({
      name,
      served: true,
      storage: i === 0,
      deprecated: i === 1,
      subresources: {
        status: {},
        scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size', labelSelectorPath: '.status.selector' },
      },
      additionalPrinterColumns: [{ name: 'Parts', type: 'string', jsonPath: '.spec.parts[?(@.id=="x")]..list[-1:]' }],
      selectableFields: [{ jsonPath: '.spec.name' }],
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            spec: {
              type: 'object',
              required: ['size'],
              properties: {
                size: { type: 'integer', minimum: 0, default: 1 },
                name: { ...text, pattern: '^[a-z]*$', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
                either: { 'x-kubernetes-int-or-string': true },
                any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                at: { type: 'string', format: 'date-time' },
                parts: {
                  type: 'array',
                  maxItems: 20,
                  'x-kubernetes-list-type': 'map',
                  'x-kubernetes-list-map-keys': ['id'],
                  items: {
                    type: 'object',
                    required: ['id'],
                    properties: { id: text, list: { type: 'array', maxItems: 9, 'x-kubernetes-list-type': 'set', items: text } },
                  },
                },
              },
              'x-kubernetes-validations': [
                {
                  rule: 'self.size < 9 || !has(self.parts) || self.parts.all(p, p.id != "big")',
                  messageExpression: "'too big: %d'.format([self.size])",
                },
              ],
            },
            status: { type: 'object', properties: { size: { type: 'integer' }, selector: { type: 'string' } } },
          },
        },
      },
    })),
  },
}
