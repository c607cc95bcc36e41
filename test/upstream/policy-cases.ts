import { type Case, clusterWide, create, merged, namespaced, type Request } from './upstream-case.ts'

const group = 'admissionregistration.k8s.io/v1'
const configMaps = namespaced('v1', 'configmaps')

/** Policies of a file stand side by side; each looks at the objects with its name in this label, in the namespace of the cases. */
const label = 'judged-by'
const policyName = (name: string) => `upstream-policy-${name}`
export const configMapRule = { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }

const matching = (name: string) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '$ns' } },
  objectSelector: { matchLabels: { [label]: name } },
  resourceRules: [configMapRule],
})

type Bindings = Readonly<Record<string, object>>

/** A validating policy and its bindings (default: one that denies). */
export const validatingPolicy = (name: string, spec: object, bindings: Bindings = { [name]: {} }): Request[] =>
  policyAndBindings({ policies: 'validatingadmissionpolicies', bindings: 'validatingadmissionpolicybindings' }, name, spec, bindings, {
    validationActions: ['Deny'],
  })

export const mutatingPolicy = (name: string, spec: object, bindings: Bindings = { [name]: {} }): Request[] =>
  policyAndBindings(
    { policies: 'mutatingadmissionpolicies', bindings: 'mutatingadmissionpolicybindings' },
    name,
    merged({ reinvocationPolicy: 'Never' }, spec),
    bindings,
    {},
  )

function policyAndBindings(
  plurals: { readonly policies: string; readonly bindings: string },
  name: string,
  spec: object,
  bindings: Bindings,
  bound: object,
): Request[] {
  const metadata = { name: policyName(name) }
  const bind = (binding: string, more: object) =>
    create(clusterWide(group, plurals.bindings), {
      metadata: { name: policyName(binding) },
      spec: merged({ policyName: metadata.name, ...bound }, more),
    })
  return [
    create(clusterWide(group, plurals.policies), { metadata, spec: merged({ matchConstraints: matching(name) }, spec) }),
    ...Object.entries(bindings).map(([binding, more]) => bind(binding, more)),
  ]
}

/** A ConfigMap that the policy of this name looks at. */
export const judged = (name: string, more: object = {}): object => merged({ metadata: { name: 'judged', labels: { [label]: name } } }, more)

/** Creates such a ConfigMap. */
export const judgedCase = (name: string, policy: string, more: object = {}): Case => ({
  name,
  steps: [create(configMaps, judged(policy, more))],
})

/** Upstream looks at its policies once a second. Last of what is given: those before it are in force when this one is. */
export const validatingInForce: readonly Request[] = [
  ...validatingPolicy('last-validating', { validations: [{ expression: 'false' }] }),
  { ...create(`${configMaps}?dryRun=All`, judged('last-validating')), until: 422 },
]

export const mutatingInForce: readonly Request[] = [
  ...mutatingPolicy('last-mutating', {
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/none"}]' } }],
  }),
  { ...create(`${configMaps}?dryRun=All`, judged('last-mutating')), until: 403 },
]
