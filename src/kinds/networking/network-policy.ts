import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { checkLegacyRange, isRange, isWithin, rangeWarnings } from '../addresses.ts'
import { checkPort, checkPortOrName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
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
  validate: ({ spec }, old) => {
    const errors: FieldError[] = []
    if (!spec) return errors
    errors.push(...validateLabelSelector(spec.podSelector, 'spec.podSelector'))
    const before = blocksOf(old).flatMap(({ block }) => [block.cidr, ...(block.except ?? [])])
    spec.ingress?.forEach((rule, i) => validateRule(errors, rule, { before, path: `spec.ingress[${i}]`, peers: 'from' }))
    spec.egress?.forEach((rule, i) => validateRule(errors, rule, { before, path: `spec.egress[${i}]`, peers: 'to' }))
    const types = spec.policyTypes ?? []
    if (types.length > 2) return [...errors, fieldErrors.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')]
    types.forEach((type, i) => {
      if (type !== 'Ingress' && type !== 'Egress')
        errors.push(fieldErrors.notSupported(`spec.policyTypes[${i}]`, type, ['Ingress', 'Egress']))
    })
    return errors
  },
  warnings: blockWarnings,
  columns: [nameColumn, column.string('Pod-Selector', ({ spec }) => selectorText(spec?.podSelector)), ageColumn],
})

type Rule = {
  readonly ports?: readonly NetworkPolicyPort[]
  readonly from?: readonly NetworkPolicyPeer[]
  readonly to?: readonly NetworkPolicyPeer[]
}
/** `before`: ranges that stood there already, which are let be. */
type RuleContext = { readonly before: readonly string[]; readonly path: string; readonly peers: 'from' | 'to' }

function validateRule(errors: Errors, rule: Rule, { before, path, peers }: RuleContext): void {
  rule.ports?.forEach((port, i) => validatePort(errors, port, `${path}.ports[${i}]`))
  rule[peers]?.forEach((peer, i) => validatePeer(errors, peer, { before, path: `${path}.${peers}[${i}]` }))
}

function validatePort(errors: Errors, { port, endPort, protocol }: NetworkPolicyPort, path: string): void {
  const protocols = ['TCP', 'UDP', 'SCTP']
  if (protocol !== undefined && !protocols.includes(protocol))
    errors.push(fieldErrors.notSupported(`${path}.protocol`, protocol, protocols))
  const complain = (value: number, detail: string) => errors.push(fieldErrors.invalid(`${path}.endPort`, value, detail))
  if (typeof port === 'number') {
    checkPort(errors, `${path}.port`, port)
    if (endPort === undefined) return
    if (endPort < port) complain(port, 'must be greater than or equal to `port`')
    checkPort(errors, `${path}.endPort`, endPort)
    return
  }
  if (endPort !== undefined)
    complain(endPort, `may not be specified when \`port\` is ${port === undefined ? 'not specified' : 'non-numeric'}`)
  if (port !== undefined) checkPortOrName(errors, `${path}.port`, port)
}

type PeerContext = { readonly before: readonly string[]; readonly path: string }

function validatePeer(errors: Errors, peer: NetworkPolicyPeer, { before, path }: PeerContext): void {
  const { podSelector, namespaceSelector, ipBlock } = peer
  if (podSelector) errors.push(...validateLabelSelector(podSelector, `${path}.podSelector`))
  if (namespaceSelector) errors.push(...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`))
  if (ipBlock) validateBlock(errors, ipBlock, { before, path: `${path}.ipBlock` })
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(fieldErrors.required(path, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector))
    errors.push(fieldErrors.forbidden(path, 'may not specify both ipBlock and another peer'))
}

type Block = NonNullable<NetworkPolicyPeer['ipBlock']>

function validateBlock(errors: Errors, block: Block, { before, path }: PeerContext): void {
  if (!block.cidr) {
    errors.push(fieldErrors.required(`${path}.cidr`))
    return
  }
  checkLegacyRange(errors, `${path}.cidr`, block.cidr, before)
  if (!isRange(block.cidr)) return
  block.except?.forEach((range, i) => {
    const at = `${path}.except[${i}]`
    checkLegacyRange(errors, at, range, before)
    if (isRange(range) && (!isWithin(range, block.cidr) || isWithin(block.cidr, range)))
      errors.push(fieldErrors.invalid(at, range, 'must be a strict subset of `cidr`'))
  })
}

function blocksOf(policy: NetworkPolicy | undefined): { readonly block: Block; readonly path: string }[] {
  const inRule = (peers: readonly NetworkPolicyPeer[] | undefined, path: string) =>
    (peers ?? []).flatMap(({ ipBlock }, i) => (ipBlock ? [{ block: ipBlock, path: `${path}[${i}].ipBlock` }] : []))
  const { ingress = [], egress = [] } = policy?.spec ?? {}
  return [
    ...ingress.flatMap(({ from }, i) => inRule(from, `spec.ingress[${i}].from`)),
    ...egress.flatMap(({ to }, i) => inRule(to, `spec.egress[${i}].to`)),
  ]
}

function blockWarnings(policy: NetworkPolicy): string[] {
  return blocksOf(policy).flatMap(({ block, path }) => [
    ...rangeWarnings(`${path}.cidr`, block.cidr ?? ''),
    ...(block.except ?? []).flatMap((range, i) => rangeWarnings(`${path}.except[${i}]`, range)),
  ])
}
