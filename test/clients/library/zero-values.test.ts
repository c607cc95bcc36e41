/** What upstream writes of fields that are empty, asked of the structs themselves: each type of the API, whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import definitions from '../../../src/kinds/generated/schemas.json' with { type: 'json' }
import zeroValues from '../../../src/kinds/generated/zero-values.json' with { type: 'json' }
import { askLibrary, missing } from './library.ts'

type Fields = Readonly<Record<string, unknown>>

/** Validation refuses an object in which they are empty: nobody is ever shown one. */
const refusedEmpty: Readonly<Record<string, readonly string[]>> = {
  CephFSPersistentVolumeSource: ['monitors'],
  CephFSVolumeSource: ['monitors'],
  CertificateSigningRequestSpec: ['request'],
  ControllerRevision: ['data'],
  CustomResourceDefinitionSpec: ['versions'],
  DaemonSetSpec: ['selector'],
  DeploymentSpec: ['selector'],
  Endpoint: ['addresses'],
  HTTPIngressPath: ['pathType'],
  HTTPIngressRuleValue: ['paths'],
  MutatingWebhook: ['sideEffects', 'admissionReviewVersions'],
  NodeSelector: ['nodeSelectorTerms'],
  NonResourcePolicyRule: ['verbs', 'nonResourceURLs'],
  OpaqueDeviceConfiguration: ['parameters'],
  PodFailurePolicyOnExitCodesRequirement: ['values'],
  PodSpec: ['containers'],
  PolicyRule: ['verbs'],
  PolicyRulesWithSubjects: ['subjects'],
  RBDPersistentVolumeSource: ['monitors'],
  RBDVolumeSource: ['monitors'],
  ReplicaSetSpec: ['selector'],
  ResourcePolicyRule: ['verbs', 'apiGroups', 'resources'],
  ScaleIOPersistentVolumeSource: ['secretRef'],
  ScaleIOVolumeSource: ['secretRef'],
  StatefulSetSpec: ['selector'],
  SuccessPolicy: ['rules'],
  TopologySelectorLabelRequirement: ['values'],
  ValidatingWebhook: ['sideEffects', 'admissionReviewVersions'],
  WebhookConversion: ['conversionReviewVersions'],
  WorkloadSpec: ['podGroupTemplates'],
}

/** Defaults, or the server that makes the object, always give them something. */
const alwaysGiven: Readonly<Record<string, readonly string[]>> = {
  GRPCAction: ['service'],
  IngressClassParametersReference: ['scope'],
  LimitedPriorityLevelConfiguration: ['nominalConcurrencyShares'],
  NonResourceRule: ['verbs'],
  ResourceRule: ['verbs'],
  SubjectRulesReviewStatus: ['resourceRules', 'nonResourceRules'],
  TokenRequestSpec: ['expirationSeconds', 'audiences'],
}

/** No stored object is of them: lists have their items, and the rest is written as it is made. */
const isNoObject = /(?:List|\.WatchEvent|\.API(?:Group|Resource|Versions))$/
/** Its structs are in a module that the program does not have. */
const isUnasked = (definition: string) => definition.startsWith('io.k8s.kube-aggregator.')

test('what is written of an empty field is what upstream writes of it, in every type', { skip: missing }, () => {
  const [answer] = askLibrary([{ ask: 'zeros' }])
  const written = JSON.parse(answer![0]!.text!) as Readonly<Record<string, unknown>>
  const ours = zeroValues as Readonly<Record<string, Fields>>
  const different: string[] = []
  for (const definition of Object.keys(definitions)) {
    const theirs = written[definition]
    if (isNoObject.test(definition) || isUnasked(definition) || typeof theirs !== 'object' || theirs === null) continue
    const fields = fieldsOf(definition, theirs as Fields)
    const own = ours[definition] ?? {}
    for (const field of new Set([...Object.keys(fields), ...Object.keys(own)]))
      if (JSON.stringify(fields[field]) !== JSON.stringify(own[field])) different.push(`${definition}.${field}`)
  }
  assert.deepEqual(different, [])
  assert.deepEqual(
    Object.keys(ours).filter((definition) => !(definition in written) && !isUnasked(definition)),
    [],
  )
})

const isObject = (definition: string) => 'x-kubernetes-group-version-kind' in (definitions as Readonly<Record<string, object>>)[definition]!

/** Parts are filled in turn: of each only that it is there counts. Metadata every object has. */
function fieldsOf(definition: string, theirs: Fields): Fields {
  const name = definition.slice(definition.lastIndexOf('.') + 1)
  const left = [...(isObject(definition) ? ['metadata'] : []), ...(refusedEmpty[name] ?? []), ...(alwaysGiven[name] ?? [])]
  const isPart = (value: unknown) => typeof value === 'object' && value !== null
  return Object.fromEntries(
    Object.entries(theirs).flatMap(([field, value]) => (left.includes(field) ? [] : [[field, isPart(value) ? {} : value]])),
  )
}
