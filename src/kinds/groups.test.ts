import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../machinery/object.ts'
import { mutatingWebhookConfigurations } from './admissionregistration/mutating-webhook-configuration.ts'
import { validatingAdmissionPolicies } from './admissionregistration/validating-admission-policy.ts'
import { validatingAdmissionPolicyBindings } from './admissionregistration/validating-admission-policy-binding.ts'
import { customResourceDefinitions } from './apiextensions/custom-resource-definition.ts'
import { apiServices } from './apiregistration/api-service.ts'
import { localSubjectAccessReviews } from './authorization/local-subject-access-review.ts'
import { subjectAccessReviews } from './authorization/subject-access-review.ts'
import { horizontalPodAutoscalers } from './autoscaling/horizontal-pod-autoscaler.ts'
import { horizontalPodAutoscalersV1 } from './autoscaling/horizontal-pod-autoscaler-v1.ts'
import { certificateSigningRequests } from './certificates/certificate-signing-request.ts'
import { leases } from './coordination/lease.ts'
import { endpointSlices } from './discovery/endpoint-slice.ts'
import { events } from './events/event.ts'
import { flowSchemas } from './flowcontrol/flow-schema.ts'
import { priorityLevelConfigurations } from './flowcontrol/priority-level-configuration.ts'
import type { KindDefinition } from './kind.ts'
import { ago, createErrors, defaulted, frozen, header, row, testContext, updateErrors } from './kind-test-support.ts'
import { ingresses } from './networking/ingress.ts'
import { ingressClasses } from './networking/ingress-class.ts'
import { ipAddresses } from './networking/ip-address.ts'
import { networkPolicies } from './networking/network-policy.ts'
import { serviceCidrs } from './networking/service-cidr.ts'
import { runtimeClasses } from './node/runtime-class.ts'
import { podDisruptionBudgets } from './policy/pod-disruption-budget.ts'
import { clusterRoleBindings } from './rbac/cluster-role-binding.ts'
import { roleBindings } from './rbac/role-binding.ts'
import { roles } from './rbac/role.ts'
import { resourceClaims } from './resource/resource-claim.ts'
import { priorityClasses } from './scheduling/priority-class.ts'
import { csiDrivers } from './storage/csi-driver.ts'
import { storageClasses } from './storage/storage-class.ts'

type Given<T extends KubeObject> = { readonly [field in keyof T]?: unknown }
const metadata = { name: 'x', namespace: 'd', creationTimestamp: ago(60) }
const objectOf = <T extends KubeObject>(given: Given<T>): T => ({ metadata, ...given }) as unknown as T

function check<T extends KubeObject>(title: string, kind: KindDefinition<T>, given: Given<T>, ...expected: string[]): void {
  test(`${kind.singular}: ${title}`, () => assert.deepEqual(createErrors(kind, objectOf(given)), expected))
}
function checkUpdate<T extends KubeObject>(
  title: string,
  kind: KindDefinition<T>,
  old: Given<T>,
  next: Given<T>,
  ...expected: string[]
): void {
  test(`${kind.singular}: ${title}`, () => assert.deepEqual(updateErrors(kind, objectOf(old), objectOf(next)), expected))
}
function checkDefaults<T extends KubeObject>(kind: KindDefinition<T>, given: Given<T>, expected: Given<T>): void {
  test(`${kind.singular}: defaults`, () => assert.deepEqual(defaulted(kind, objectOf(given)), objectOf(expected)))
}
function checkRow<T extends KubeObject>(kind: KindDefinition<T>, names: string, given: Given<T>, expected: string): void {
  test(`${kind.singular}: columns ${expected}`, () => {
    assert.equal(header(kind), names)
    assert.equal(row(kind, objectOf(given)), expected)
  })
}

// discovery, coordination, events
check(
  'the type is known',
  endpointSlices,
  { addressType: 'IPv5', endpoints: [] },
  'addressType: Unsupported value: "IPv5": supported values: "FQDN", "IPv4", "IPv6"',
)
check(
  'addresses are of the type',
  endpointSlices,
  { addressType: 'IPv4', endpoints: [{ addresses: ['::1'] }] },
  'endpoints[0].addresses: Invalid value: "::1": must be an IPv4 address',
  'endpoints[0].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
)
check(
  'endpoints have addresses',
  endpointSlices,
  { addressType: 'IPv4', endpoints: [{ addresses: [] }] },
  'endpoints[0].addresses: Required value: must contain at least 1 address',
)
check(
  'a thousand is the most',
  endpointSlices,
  { addressType: 'IPv4', endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] })) },
  'endpoints: Too many: 1001: must have at most 1000 items',
)
checkUpdate(
  'the type stays',
  endpointSlices,
  { addressType: 'IPv4' },
  { addressType: 'IPv6' },
  'addressType: Invalid value: "IPv6": field is immutable',
)
checkDefaults(
  endpointSlices,
  { addressType: 'IPv4', ports: [{ port: 80 }] },
  { addressType: 'IPv4', ports: [{ port: 80, name: '', protocol: 'TCP' }] },
)
checkRow(
  endpointSlices,
  'NAME ; ADDRESSTYPE ; PORTS ; ENDPOINTS ; AGE',
  { addressType: 'IPv4', ports: [{ port: 80 }, {}], endpoints: [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'] }] },
  'x ; IPv4 ; 80,* ; 10.0.0.1,10.0.0.2 ; 60s',
)
checkRow(endpointSlices, 'NAME ; ADDRESSTYPE ; PORTS ; ENDPOINTS ; AGE', { addressType: 'IPv4' }, 'x ; IPv4 ; <unset> ; <unset> ; 60s')
check('a lease lasts', leases, { spec: { leaseDurationSeconds: 0 } }, 'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0')
check(
  'a new event says all',
  events,
  { regarding: { namespace: 'd' }, eventTime: '2026-06-01T12:00:00.000000Z' },
  'reportingController: Required value',
  'reportingController: Invalid value: "": name part must be non-empty',
  `reportingController: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  'reportingInstance: Required value',
  'action: Required value',
  'reason: Required value',
  'type: Invalid value: "": has invalid value: ',
)

// rbac
check(
  'a rule has verbs',
  roles,
  { rules: [{ apiGroups: [''], resources: ['pods'] }] },
  'rules[0].verbs: Required value: verbs must contain at least one value',
)
check(
  'a role is not about paths',
  roles,
  { rules: [{ verbs: ['get'], nonResourceURLs: ['/'] }] },
  'rules[0].nonResourceURLs: Invalid value: ["/"]: namespaced rules cannot apply to non-resource URLs',
)
checkDefaults(
  roleBindings,
  {
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 's' },
    ],
  },
  {
    roleRef: { kind: 'Role', name: 'r', apiGroup: 'rbac.authorization.k8s.io' },
    subjects: [
      { kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' },
      { kind: 'ServiceAccount', name: 's' },
    ],
  },
)
check(
  'a cluster role is bound',
  clusterRoleBindings,
  { roleRef: { kind: 'Role', name: 'r' } },
  'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
)
check(
  'an account has a namespace',
  clusterRoleBindings,
  { roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 's' }] },
  'subjects[0].namespace: Required value',
)
checkUpdate(
  'the role stays',
  roleBindings,
  { roleRef: { kind: 'Role', name: 'r' } },
  { roleRef: { kind: 'Role', name: 's' } },
  'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"s"}: cannot change roleRef',
)
checkRow(
  roleBindings,
  'NAME ; ROLE ; AGE | USERS ; GROUPS ; SERVICEACCOUNTS',
  {
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'User', name: 'v' },
      { kind: 'ServiceAccount', namespace: 'n', name: 's' },
    ],
  },
  'x ; Role/r ; 60s | u, v ;  ; n/s',
)
test('role: the default table shows the time of creation', () => {
  assert.equal(header(roles), 'NAME ; CREATED AT')
  assert.equal(row(roles, objectOf({})), 'x ; 2026-06-01T11:59:00Z')
})

// autoscaling
const target = { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' }
checkDefaults(
  horizontalPodAutoscalers,
  { spec: { maxReplicas: 3, scaleTargetRef: target, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } } },
  {
    spec: {
      minReplicas: 1,
      maxReplicas: 3,
      scaleTargetRef: target,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Max',
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 15 },
            { type: 'Percent', value: 100, periodSeconds: 15 },
          ],
        },
        scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
      },
    },
  },
)
check(
  'there is a most',
  horizontalPodAutoscalers,
  { spec: { scaleTargetRef: target, minReplicas: 2 } },
  'spec.maxReplicas: Required value: must be set and greater than 0',
  'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
)
check(
  'v1 is judged as v2',
  horizontalPodAutoscalersV1,
  { spec: { maxReplicas: 1 } },
  'spec.scaleTargetRef.kind: Required value',
  'spec.scaleTargetRef.name: Required value',
  'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
)
checkRow(
  horizontalPodAutoscalers,
  'NAME ; REFERENCE ; TARGETS ; MINPODS ; MAXPODS ; REPLICAS ; AGE',
  {
    spec: {
      scaleTargetRef: target,
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
    },
    status: { currentReplicas: 2, currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 20 } } }] },
  },
  'x ; Deployment/web ; cpu: 20%/80% ; 1 ; 3 ; 2 ; 60s',
)

// policy, networking
check(
  'one of the two',
  podDisruptionBudgets,
  { spec: { minAvailable: 1, maxUnavailable: 1 } },
  'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
)
checkRow(
  podDisruptionBudgets,
  'NAME ; MIN AVAILABLE ; MAX UNAVAILABLE ; ALLOWED DISRUPTIONS ; AGE',
  { spec: { maxUnavailable: '50%' }, status: { disruptionsAllowed: 2 } },
  'x ; N/A ; 50% ; 2 ; 60s',
)
checkDefaults(
  networkPolicies,
  { spec: { egress: [{ ports: [{ port: 53 }] }] } },
  { spec: { podSelector: {}, egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }], policyTypes: ['Ingress', 'Egress'] } },
)
check(
  'a peer is someone',
  networkPolicies,
  { spec: { ingress: [{ from: [{}] }] } },
  'spec.ingress[0].from[0]: Required value: must specify a peer',
)
check(
  'an exception lies within',
  networkPolicies,
  { spec: { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/16', except: ['10.1.0.0/24'] } }] }] } },
  'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.1.0.0/24": must be a strict subset of `cidr`',
)
const backend = { service: { name: 's', port: { number: 80 } } }
check(
  'an ingress leads somewhere',
  ingresses,
  { spec: {} },
  'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified',
)
check(
  'a path has a type',
  ingresses,
  { spec: { rules: [{ http: { paths: [{ path: '/', backend }] } }] } },
  'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
)
check(
  'a backend has a port',
  ingresses,
  { spec: { defaultBackend: { service: { name: 's' } } } },
  'spec.defaultBackend: Required value: port name or number is required',
)
checkRow(
  ingresses,
  'NAME ; CLASS ; HOSTS ; ADDRESS ; PORTS ; AGE',
  {
    spec: { ingressClassName: 'nginx', tls: [{}], rules: [{ host: 'a' }, { host: 'b' }] },
    status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
  },
  'x ; nginx ; a,b ; 1.2.3.4 ; 80, 443 ; 60s',
)
check(
  'a controller has a domain',
  ingressClasses,
  { spec: { controller: 'x' } },
  'spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")',
)
check('an address belongs to something', ipAddresses, { spec: {} }, 'spec.parentRef: Required value')
check(
  'a range ends at its prefix',
  serviceCidrs,
  { spec: { cidrs: ['10.96.0.1/12'] } },
  'spec.cidrs[0]: Invalid value: "10.96.0.1/12": must not have bits set beyond the prefix length',
)
checkUpdate(
  'a range stays',
  serviceCidrs,
  { spec: { cidrs: ['10.96.0.0/12'] } },
  { spec: { cidrs: ['10.0.0.0/12'] } },
  'spec.cidrs[0]: Invalid value: "10.0.0.0/12": field is immutable',
)

// scheduling, node, storage
check(
  'the system keeps its prefix',
  priorityClasses,
  { metadata: { name: 'system-mine' }, value: 1 },
  "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
)
check('the system’s own are known', priorityClasses, { metadata: { name: 'system-node-critical' }, value: 2000001000 })
check(
  'users stay below',
  priorityClasses,
  { value: 1000000001 },
  'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
)
checkUpdate('a value stays', priorityClasses, { value: 1 }, { value: 2 }, 'value: Forbidden: may not be changed in an update.')
check('a handler is there', runtimeClasses, {}, 'handler: Required value')
checkDefaults(storageClasses, { provisioner: 'p/q' }, { provisioner: 'p/q', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' })
checkUpdate(
  'parameters stay',
  storageClasses,
  { provisioner: 'p' },
  { provisioner: 'p', parameters: { a: 'b' } },
  'parameters: Invalid value: {"a":"b"}: field is immutable',
)
checkRow(
  storageClasses,
  'NAME ; PROVISIONER ; RECLAIMPOLICY ; VOLUMEBINDINGMODE ; ALLOWVOLUMEEXPANSION ; AGE',
  {
    metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'p',
    volumeBindingMode: 'Immediate',
  },
  'x (default) ; p ; Delete ; Immediate ; false ; 60s',
)
checkRow(
  csiDrivers,
  'NAME ; ATTACHREQUIRED ; PODINFOONMOUNT ; STORAGECAPACITY ; TOKENREQUESTS ; REQUIRESREPUBLISH ; MODES ; AGE',
  { spec: { volumeLifecycleModes: ['Persistent'] } },
  'x ; true ; false ; false ; <unset> ; false ; Persistent ; 60s',
)

// flow control
checkDefaults(
  priorityLevelConfigurations,
  { spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } } },
  {
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 30,
        lendablePercent: 0,
        limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
      },
    },
  },
)
check(
  'a schema has a level',
  flowSchemas,
  { spec: {} },
  'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
)

// certificates
const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n').toString('base64')
const signing = { request, signerName: 'example.com/signer', usages: ['client auth'] }
check('the least is fine', certificateSigningRequests, { spec: signing })
check(
  'a request is one',
  certificateSigningRequests,
  { spec: { ...signing, request: 'eA==' } },
  'spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST',
)
check(
  'a signer has a domain',
  certificateSigningRequests,
  { spec: { ...signing, signerName: 'x' } },
  'spec.signerName: Invalid value: "x": must be a fully qualified domain and path of the form \'example.com/signer-name\'',
)
test('certificatesigningrequest: the server says who asks, an approval stands, and only its subresource gives it', () => {
  const kind = certificateSigningRequests
  const asked = objectOf<never>({ spec: { ...signing, username: 'root', groups: ['system:masters'] } } as never) as Parameters<
    typeof kind.prepareForCreate
  >[0]
  kind.prepareForCreate(asked, { now: ago(0), user: 'bob', userInfo: { uid: '1', groups: ['devs'] } })
  assert.deepEqual([asked.spec.username, asked.spec.uid, asked.spec.groups], ['bob', '1', ['devs']])
  const old = frozen({ ...asked })
  const approved = { ...asked, metadata: { ...asked.metadata }, status: { conditions: [{ type: 'Approved', status: 'True' }] } }
  kind.subresourceUpdates!.approval!.prepare(approved, old, { now: ago(0), user: 'admin' })
  assert.deepEqual(approved.status.conditions, [
    { type: 'Approved', status: 'True', lastUpdateTime: ago(0), lastTransitionTime: ago(0) },
  ] as never)
  assert.deepEqual(kind.subresourceUpdates!.approval!.validate(approved, old), [])
  const taken = { ...approved, metadata: { ...asked.metadata }, status: {} }
  assert.deepEqual(
    kind.subresourceUpdates!.approval!.validate(taken, approved).map((e) => e.message),
    ['Forbidden: updates may not remove a condition of type "Approved"'],
  )
  const sneaked = { ...asked, metadata: { ...asked.metadata }, status: { conditions: [{ type: 'Approved', status: 'True' }] } }
  kind.prepareForStatusUpdate(sneaked, old, testContext)
  assert.deepEqual(
    kind.validateStatusUpdate!(sneaked, old).map((e) => e.message),
    ['Forbidden: updates may not add a condition of type "Approved"'],
  )
  assert.equal(
    row(kind, { ...approved, status: { ...approved.status, certificate: 'eA==' } }),
    'x ; 60s ; example.com/signer ; bob ; <none> ; Approved,Issued',
  )
})

// admission, extension
const webhook = {
  name: 'a.b.c',
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  clientConfig: { service: { name: 's', namespace: 'n' } },
}
checkDefaults(
  mutatingWebhookConfigurations,
  { webhooks: [webhook] },
  {
    webhooks: [
      {
        ...webhook,
        clientConfig: { service: { name: 's', namespace: 'n', port: 443 } },
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        namespaceSelector: {},
        objectSelector: {},
        timeoutSeconds: 10,
        reinvocationPolicy: 'Never',
      },
    ],
  },
)
check('the least is fine', mutatingWebhookConfigurations, { webhooks: [webhook] })
check(
  'a name is a domain',
  mutatingWebhookConfigurations,
  { webhooks: [{ ...webhook, name: 'a.b' }] },
  'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
)
check(
  'a webhook is somewhere',
  mutatingWebhookConfigurations,
  { webhooks: [{ ...webhook, clientConfig: {} }] },
  'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
)
check(
  'over TLS',
  mutatingWebhookConfigurations,
  { webhooks: [{ ...webhook, clientConfig: { url: 'http://a/' } }] },
  `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
)
check(
  'a wait is bounded',
  mutatingWebhookConfigurations,
  { webhooks: [{ ...webhook, timeoutSeconds: 31 }] },
  'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
)
check(
  'a policy looks at something',
  validatingAdmissionPolicies,
  { spec: { validations: [{ expression: 'true' }] } },
  'spec.matchConstraints: Required value',
)
check(
  'messages, reasons, variables and annotations are what they can be',
  validatingAdmissionPolicies,
  {
    spec: {
      matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] },
      validations: [
        { expression: 'true', message: 'a\nb', messageExpression: ' ' },
        { expression: 'true\n&& true', reason: 'Whim' },
      ],
      variables: [
        { name: 'if', expression: '1' },
        { name: 'a', expression: '1' },
        { name: 'a', expression: '2' },
      ],
      auditAnnotations: [
        { key: 'k', valueExpression: ' ' },
        { key: 'k', valueExpression: 'null' },
      ],
    },
  },
  'spec.variables[0].name: Invalid value: "if": must be a valid CEL identifier',
  'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
  'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
  'spec.validations[1].reason: Unsupported value: "Whim": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
  'spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified',
  'spec.auditAnnotations[1].key: Duplicate value: "k"',
)
check(
  'a binding acts',
  validatingAdmissionPolicyBindings,
  { spec: { policyName: 'p', validationActions: [] } },
  'spec.validationActions: Required value: at least one validation action is required',
)
const definition = {
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
}
check('the least is fine', customResourceDefinitions, definition)
check(
  'the name is made of the others',
  customResourceDefinitions,
  { ...definition, metadata: { name: 'x' } },
  'metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group',
)
check(
  'one version is stored',
  customResourceDefinitions,
  { ...definition, spec: { ...definition.spec, versions: [{ ...definition.spec.versions[0], storage: false }] } },
  'spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must have exactly one version marked as storage version',
  'status.storedVersions: Invalid value: null: must have at least one stored version',
)
check(
  'a version has a schema',
  customResourceDefinitions,
  { ...definition, spec: { ...definition.spec, versions: [{ name: 'v1', served: true, storage: true }] } },
  'spec.versions[0].schema.openAPIV3Schema: Required value',
)
check('a group is versioned', apiServices, {
  metadata: { name: 'v1.a.b' },
  spec: { group: 'a.b', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 },
})

// reviews, resources
check(
  'a review asks one thing',
  subjectAccessReviews,
  { spec: { user: 'u' } },
  'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
)
check(
  'about someone',
  subjectAccessReviews,
  { spec: { resourceAttributes: {} } },
  'spec.user: Invalid value: "": at least one of user or group must be specified',
)
check(
  'in its namespace',
  localSubjectAccessReviews,
  { spec: { user: 'u', resourceAttributes: { namespace: 'e' } } },
  'spec.resourceAttributes.namespace: Invalid value: "e": must match metadata.namespace',
)
checkDefaults(
  resourceClaims,
  { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } },
  { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', allocationMode: 'ExactCount', count: 1 } }] } } },
)
check(
  'a request is one',
  resourceClaims,
  { spec: { devices: { requests: [{ name: 'r' }] } } },
  'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
)
checkRow(resourceClaims, 'NAME ; STATE ; AGE', { status: { allocation: {}, reservedFor: [{}] } }, 'x ; allocated,reserved ; 60s')
