/** Mutating admission policies in force: what they make of an object, and what becomes of those that fail. */
import { configMapRule, judged, judgedCase, mutatingInForce, mutatingPolicy } from '../policy-cases.ts'
import { type Case, create, merged, namespaced, patch, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const pods = namespaced('v1', 'pods')
const applied = (...expressions: string[]) => ({
  mutations: expressions.map((expression) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })),
})
const patched = (...expressions: string[]) => ({
  mutations: expressions.map((expression) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })),
})
const ofPods = { matchConstraints: { resourceRules: [merged(configMapRule, { resources: ['pods'] })] } }
const labels = (entries: string) => `Object{metadata: Object.metadata{labels: {${entries}}}}`
const add = (path: string, value: string) => `[JSONPatch{op: "add", path: "${path}", value: ${value}}]`

/** One policy each; its ConfigMap is created. */
const specs: Readonly<Record<string, object>> = {
  label: applied(labels('"a": "b"')),
  'label-of-name': applied(labels('"of": object.metadata.name')),
  data: applied('Object{data: {"added": "x", "text": "changed"}}'),
  nothing: applied('Object{}'),
  'two-mutations': applied(labels('"a": "b"'), labels('"seen": object.metadata.labels["a"]')),
  optional: applied('Object{data: {?"none": object.?data.none, ?"copy": object.?data.text}}'),
  'unknown-field': applied('Object{none: "a"}'),
  'unknown-field-below': applied('Object{metadata: Object.metadata{none: "a"}}'),
  'wrong-name-of-type': applied('Object{metadata: Object.spec{labels: {"a": "b"}}}'),
  'wrong-type': applied('Object{immutable: "yes"}'),
  'wrong-value': applied(labels('"a b": "c"')),
  'name-changed': applied('Object{metadata: Object.metadata{name: "another"}}'),
  'kind-changed': applied('Object{kind: "Secret"}'),
  owners: applied(
    'Object{metadata: Object.metadata{ownerReferences: [Object.metadata.ownerReferences{apiVersion: "v1", kind: "ConfigMap", name: "a", uid: "u"}]}}',
  ),
  fails: applied(labels('"a": object.data.none')),
  'fails-ignored': { ...applied(labels('"a": object.data.none')), failurePolicy: 'Ignore' },
  'fails-after-another': applied(labels('"a": "b"'), labels('"b": object.data.none')),
  'fails-before-another': applied(labels('"b": object.data.none'), labels('"a": "b"')),
  'condition-false': { ...applied(labels('"a": "b"')), matchConditions: [{ name: 'never', expression: 'false' }] },
  'condition-fails': { ...applied(labels('"a": "b"')), matchConditions: [{ name: 'fails', expression: 'object.none == 1' }] },
  'condition-fails-ignored': {
    ...applied(labels('"a": "b"')),
    failurePolicy: 'Ignore',
    matchConditions: [{ name: 'fails', expression: 'object.none == 1' }],
  },
  variables: { variables: [{ name: 'made', expression: 'object.metadata.name + "-made"' }], ...applied(labels('"made": variables.made')) },
  'variable-anew': {
    variables: [{ name: 'count', expression: 'object.metadata.labels.size()' }],
    ...applied(labels('"a": string(variables.count)'), labels('"b": string(variables.count)')),
  },
  'patch-add': patched(add('/data/added', '"x"')),
  'patch-several': patched(
    '[JSONPatch{op: "add", path: "/data/added", value: "x"}, JSONPatch{op: "copy", from: "/data/added", path: "/data/copied"}, JSONPatch{op: "move", from: "/data/text", path: "/data/moved"}, JSONPatch{op: "remove", path: "/data/added"}]',
  ),
  'patch-replace': patched('[JSONPatch{op: "replace", path: "/data/text", value: "y"}]'),
  'patch-test': patched(
    '[JSONPatch{op: "test", path: "/data/text", value: "x"}, JSONPatch{op: "add", path: "/data/tested", value: "yes"}]',
  ),
  'patch-test-fails': patched(
    '[JSONPatch{op: "test", path: "/data/text", value: "y"}, JSONPatch{op: "add", path: "/data/tested", value: "yes"}]',
  ),
  'patch-none': patched('object.data.text == "none" ? [JSONPatch{op: "add", path: "/data/a", value: "b"}] : []'),
  'patch-key': patched(
    '[JSONPatch{op: "add", path: "/metadata/annotations", value: {}}, JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("example.com/a~b"), value: "c"}]',
  ),
  'patch-map': patched(add('/data', '{"all": "new"}')),
  'patch-number': patched(add('/data/number', '1')),
  'patch-missing': patched('[JSONPatch{op: "remove", path: "/data/none"}]'),
  'patch-missing-parent': patched(add('/none/below', '"x"')),
  'patch-unknown-field': patched(add('/none', '"x"')),
  'patch-unknown-op': patched('[JSONPatch{op: "merge", path: "/data", value: "x"}]'),
  'patch-wrong-path': patched('[JSONPatch{op: "add", path: "data", value: "x"}]'),
  'patch-name': patched('[JSONPatch{op: "replace", path: "/metadata/name", value: "another"}]'),
  'patch-wrong-label': patched(add('/metadata/labels/a', '"b c"')),
  'patch-fails': patched(add('/data/a', 'object.data.none')),
  'both-types': {
    mutations: [...applied(labels('"a": "b"')).mutations, ...patched(add('/metadata/labels/seen', 'object.metadata.labels.a')).mutations],
  },
}

const container = (fields: string) => `Object{spec: Object.spec{containers: [Object.spec.containers{${fields}}]}}`
const podSpecs: Readonly<Record<string, object>> = {
  'pod-sidecar': applied(container('name: "added", image: "i"')),
  'pod-container': applied(
    container(
      'name: "c", imagePullPolicy: "Never", env: [Object.spec.containers.env{name: "A", value: "changed"}, Object.spec.containers.env{name: "B", value: "b"}]',
    ),
  ),
  'pod-atomic': applied(container('name: "c", command: ["a"]')),
  'pod-no-key': applied(container('image: "i"')),
  'pod-same-keys': applied(
    'Object{spec: Object.spec{containers: [Object.spec.containers{name: "d", image: "i"}, Object.spec.containers{name: "d", image: "j"}]}}',
  ),
  'pod-seconds': applied('Object{spec: Object.spec{terminationGracePeriodSeconds: 5, nodeSelector: {"a": "b"}}}'),
  'pod-wrong-number': applied('Object{spec: Object.spec{terminationGracePeriodSeconds: "five"}}'),
  'pod-quantity': applied(container('name: "c", resources: Object.spec.containers.resources{requests: {"cpu": "100m"}}')),
  'pod-invalid': applied('Object{spec: Object.spec{restartPolicy: "Sometimes"}}'),
  'pod-patch': patched('[JSONPatch{op: "add", path: "/spec/tolerations/-", value: Object.spec.tolerations{key: "k", operator: "Exists"}}]'),
}

const limited = (more: object) => ({
  paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
  ...applied(labels('"limit": params.data.limit')),
  ...more,
})
const parameters = (paramRef: object) => ({ paramRef: { parameterNotFoundAction: 'Deny', ...paramRef } })

export const given: readonly Request[] = [
  ...Object.entries(specs).flatMap(([name, spec]) => mutatingPolicy(name, spec)),
  ...Object.entries(podSpecs).flatMap(([name, spec]) => mutatingPolicy(name, { ...ofPods, ...spec })),
  ...mutatingPolicy('param-none', limited({}), { 'param-none': parameters({ name: 'none' }) }),
  ...mutatingPolicy('param-none-allowed', limited({}), {
    'param-none-allowed': parameters({ name: 'none', parameterNotFoundAction: 'Allow' }),
  }),
  ...mutatingPolicy('param-unknown-kind', limited({ paramKind: { apiVersion: 'none.example.com/v1', kind: 'None' } }), {
    'param-unknown-kind': parameters({ name: 'a' }),
  }),
  ...mutatingPolicy('unbound', applied(labels('"a": "b"')), {}),
  ...mutatingPolicy('updates', {
    ...applied(labels('"was": oldObject.data.a')),
    matchConstraints: { resourceRules: [merged(configMapRule, { operations: ['UPDATE'] })] },
  }),
  ...mutatingPolicy('counts', {
    ...patched('[JSONPatch{op: "add", path: "/data/count", value: string(int(object.data.count) + 1)}]'),
    reinvocationPolicy: 'IfNeeded',
  }),
  ...mutatingInForce,
]

const data = { data: { text: 'x' } }
const pod = (policy: string) =>
  judged(policy, {
    spec: { containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value: 'a' }] }], tolerations: [{ key: 'a', operator: 'Exists' }] },
  })

export const cases: readonly Case[] = [
  ...Object.keys(specs).map((name) => judgedCase(name, name, data)),
  ...Object.keys(podSpecs).map((name): Case => ({ name, steps: [create(pods, pod(name))] })),
  ...['param-none', 'param-none-allowed', 'param-unknown-kind', 'unbound'].map((name) => judgedCase(name, name, data)),
  judgedCase('counts once', 'counts', { data: { count: '1' } }),
  {
    name: 'an update',
    given: [create(configMaps, judged('updates', { data: { a: '1' } }))],
    steps: [patch('merge', `${configMaps}/judged`, { data: { a: '2' } })],
  },
  { name: 'a dry run', steps: [create(`${configMaps}?dryRun=All`, judged('label'))] },
  {
    name: 'a deletion is not changed',
    given: [create(configMaps, judged('label'))],
    steps: [{ method: 'DELETE', path: `${configMaps}/judged` }],
  },
]
