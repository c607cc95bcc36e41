import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { cidr } from '../../machinery/names.ts'
import { checkOptionalEnum, checkPort, checkPortOrName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { isInCidr } from '../cidr.ts'
import { selectorText } from '../core/pod-template/workload-template.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../generated/types/networking-v1.ts'

export const networkPolicies = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  shortNames: ['netpol'],
  applyDefaults: ({ spec }) => {
    if (!spec) return
    spec.podSelector ??= {}
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of rule.ports ?? []) port.protocol ??= 'TCP'
    // Ingress is always meant; egress only where rules for it are there.
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    if (!spec) return errors
    errors.push(...validateLabelSelector(spec.podSelector, 'spec.podSelector'))
    spec.ingress?.forEach((rule, i) => validateRule(errors, rule.ports, rule.from, `spec.ingress[${i}]`, 'from'))
    spec.egress?.forEach((rule, i) => validateRule(errors, rule.ports, rule.to, `spec.egress[${i}]`, 'to'))
    const types = spec.policyTypes ?? []
    if (types.length > 2) errors.push(fieldErrors.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes'))
    types.forEach((type, i) => {
      if (type !== 'Ingress' && type !== 'Egress')
        errors.push(fieldErrors.notSupported(`spec.policyTypes[${i}]`, type, ['Ingress', 'Egress']))
    })
    return errors
  },
  columns: [nameColumn, column.string('Pod-Selector', ({ spec }) => selectorText(spec?.podSelector)), ageColumn],
})

function validateRule(
  errors: Errors,
  ports: readonly NetworkPolicyPort[] | undefined,
  peers: readonly NetworkPolicyPeer[] | undefined,
  path: string,
  peerField: string,
): void {
  ports?.forEach((port, i) => validatePort(errors, port, `${path}.ports[${i}]`))
  peers?.forEach((peer, i) => validatePeer(errors, peer, `${path}.${peerField}[${i}]`))
}

function validatePort(errors: Errors, { port, endPort, protocol }: NetworkPolicyPort, path: string): void {
  checkOptionalEnum(errors, `${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])
  if (port !== undefined) checkPortOrName(errors, `${path}.port`, port)
  if (endPort === undefined) return
  if (port === undefined) errors.push(fieldErrors.required(`${path}.port`, 'must be specified when `endPort` is specified'))
  else if (typeof port === 'string')
    errors.push(fieldErrors.invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is non-numeric'))
  else if (endPort < port) errors.push(fieldErrors.invalid(`${path}.endPort`, endPort, 'must be greater than or equal to `port`'))
  checkPort(errors, `${path}.endPort`, endPort)
}

function validatePeer(errors: Errors, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string): void {
  if (podSelector) errors.push(...validateLabelSelector(podSelector, `${path}.podSelector`))
  if (namespaceSelector) errors.push(...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`))
  if (ipBlock) validateBlock(errors, ipBlock, `${path}.ipBlock`)
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(fieldErrors.required(path, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector))
    errors.push(fieldErrors.forbidden(path, 'may not specify both ipBlock and another peer'))
}

function validateBlock(errors: Errors, block: NonNullable<NetworkPolicyPeer['ipBlock']>, path: string): void {
  if (!block.cidr) {
    errors.push(fieldErrors.required(`${path}.cidr`))
    return
  }
  const messages = cidr(block.cidr)
  for (const message of messages) errors.push(fieldErrors.invalid(`${path}.cidr`, block.cidr, message))
  if (messages.length > 0) return
  block.except?.forEach((range, i) => {
    const wrong = cidr(range)
    for (const message of wrong) errors.push(fieldErrors.invalid(`${path}.except[${i}]`, range, message))
    if (wrong.length === 0 && (range === block.cidr || !isInCidr(range, block.cidr)))
      errors.push(fieldErrors.invalid(`${path}.except[${i}]`, range, 'must be a strict subset of `cidr`'))
  })
}
