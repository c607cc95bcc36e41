import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../machinery/object.ts'
import { validatingAdmissionPolicyBindings } from './admissionregistration/validating-admission-policy-binding.ts'
import { controllerRevisions } from './apps/controller-revision.ts'
import { componentStatuses } from './core/component-status.ts'
import { podTemplates } from './core/pod-template.ts'
import { endpointSlices } from './discovery/endpoint-slice.ts'
import { flowSchemas } from './flowcontrol/flow-schema.ts'
import { priorityLevelConfigurations } from './flowcontrol/priority-level-configuration.ts'
import type { KindDefinition } from './kind.ts'
import { ago, header, row } from './kind-test-support.ts'
import { ingresses } from './networking/ingress.ts'
import { ipAddresses } from './networking/ip-address.ts'
import { storageClasses } from './storage/storage-class.ts'
import { volumeAttributesClasses } from './storage/volume-attributes-class.ts'

const metadata = { name: 'x', namespace: 'd', creationTimestamp: ago(60) }

function check<T extends KubeObject>(kind: KindDefinition<T>, names: string, given: object, expected: string): void {
  test(`${kind.singular}: columns ${expected}`, () => {
    assert.equal(header(kind), names)
    assert.equal(row(kind, { metadata, ...given } as unknown as T), expected)
  })
}

const ingressNames = 'NAME ; CLASS ; HOSTS ; ADDRESS ; PORTS ; AGE'
check(
  ingresses,
  ingressNames,
  { metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'old' } }, spec: { rules: [] } },
  'x ; <none> ; * ;  ; 80 ; 60s',
)
check(
  ingresses,
  ingressNames,
  {
    spec: { ingressClassName: 'c', rules: [{ host: 'a' }, {}, { host: 'b' }, { host: 'd' }, {}, { host: 'e' }] },
    status: { loadBalancer: { ingress: [{ ip: '10.0.0.2' }, { hostname: 'h' }, { ip: '10.0.0.1' }, { ip: '10.0.0.2' }] } },
  },
  'x ; c ; a,b,d + 3 more... ; 10.0.0.1,10.0.0.2,h ; 80 ; 60s',
)
check(podTemplates, 'NAME ; CONTAINERS ; IMAGES ; POD LABELS', { template: { metadata: { labels: { a: 'b' } } } }, 'x ;  ;  ; a=b')
check(ipAddresses, 'NAME ; PARENTREF', { spec: { parentRef: { resource: 'services', namespace: 'd', name: 's' } } }, 'x ; services/d/s')
check(ipAddresses, 'NAME ; PARENTREF', {}, 'x ; <none>')
check(componentStatuses, 'NAME ; STATUS ; MESSAGE ; ERROR', {}, 'x ; Unknown ;  ; ')
check(
  endpointSlices,
  'NAME ; ADDRESSTYPE ; PORTS ; ENDPOINTS ; AGE',
  { addressType: 'IPv4', ports: [{ name: '' }] },
  'x ; IPv4 ; <unset> ; <unset> ; 60s',
)
check(
  storageClasses,
  'NAME ; PROVISIONER ; RECLAIMPOLICY ; VOLUMEBINDINGMODE ; ALLOWVOLUMEEXPANSION ; AGE',
  { provisioner: 'p', metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } },
  'x (default) ; p ; Delete ; Immediate ; false ; 60s',
)
check(
  volumeAttributesClasses,
  'NAME ; DRIVERNAME ; AGE',
  { driverName: 'p', metadata: { ...metadata, annotations: { 'volumeattributesclass.alpha.kubernetes.io/is-default-class': 'true' } } },
  'x (default) ; p ; 60s',
)
check(
  priorityLevelConfigurations,
  'NAME ; TYPE ; NOMINALCONCURRENCYSHARES ; QUEUES ; HANDSIZE ; QUEUELENGTHLIMIT ; AGE',
  { spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 5 } } },
  'x ; Exempt ; <none> ; <none> ; <none> ; <none> ; 60s',
)
check(
  validatingAdmissionPolicyBindings,
  'NAME ; POLICYNAME ; PARAMREF ; AGE',
  { spec: { policyName: 'p', paramRef: { selector: { matchLabels: { a: 'b' } } } } },
  'x ; p ; &LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},} ; 60s',
)

test('numbers that upstream declares as text stay numbers in the cells', () => {
  const types = (kind: { columns: readonly { name: string; type: string }[] }, name: string) =>
    kind.columns.find((column) => column.name === name)?.type
  assert.equal(types(controllerRevisions, 'Revision'), 'string')
  assert.equal(types(flowSchemas, 'MatchingPrecedence'), 'string')
  const expansion = storageClasses.columns.find((column) => column.name === 'AllowVolumeExpansion')
  assert.equal(expansion?.cell({ metadata, provisioner: 'p', allowVolumeExpansion: true }, 0), true)
})
