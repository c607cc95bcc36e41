import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { planMirror } from './plan-mirror.ts'
import { readManifest } from './read-manifest.ts'

const head = 'apiVersion: v1\nkind: Pod\n'
const web = `${head}metadata:\n  name: web\n  labels: {app: web}\nspec:\n  containers:\n  - name: c\n    image: app\n`
const place = { path: '/m/web.yaml', nodeName: 'node-1' }
const podOf = (text: string, at = place): Pod => {
  const manifest = readManifest(text, at)
  assert.ok('pod' in manifest, JSON.stringify(manifest))
  return manifest.pod
}

test('a manifest becomes a pod of its node, with what the API would have filled in', () => {
  const { metadata, spec, status } = podOf(web)
  assert.deepEqual([metadata.name, metadata.namespace, metadata.labels], ['web-node-1', 'default', { app: 'web' }])
  assert.match(metadata.uid ?? '', /^[0-9a-f]{32}$/)
  assert.deepEqual(metadata.annotations, { 'kubernetes.io/config.hash': metadata.uid, 'kubernetes.io/config.source': 'file' })
  assert.deepEqual([spec?.nodeName, spec?.restartPolicy, spec?.terminationGracePeriodSeconds], ['node-1', 'Always', 30])
  assert.deepEqual(spec?.tolerations, [{ operator: 'Exists', effect: 'NoExecute' }])
  assert.equal(spec?.containers?.[0]?.imagePullPolicy, 'Always')
  assert.equal(status?.phase, 'Pending')
})

test('the uid is that of what is described and where', () => {
  const { uid } = podOf(web).metadata
  assert.equal(podOf(web).metadata.uid, uid)
  assert.equal(podOf(`# a remark\n${web}`).metadata.uid, uid)
  for (const other of [
    podOf(`${web}    args: [x]\n`),
    podOf(web, { ...place, path: '/m/b.yaml' }),
    podOf(web, { ...place, nodeName: 'n2' }),
  ])
    assert.notEqual(other.metadata.uid, uid)
})

const refused: readonly [string, string, RegExp][] = [
  ['what is no YAML', 'a: [', /./],
  ['another kind', 'apiVersion: v1\nkind: Service\n', /^invalid pod: it is v1 Service$/],
  ['no name', `${head}spec: {}\n`, /^invalid pod: name is needed for the pod$/],
  ['a wrong type', `${head}metadata: {name: a}\nspec: {containers: 1}\n`, /containers/],
  [
    'a spec that the API would refuse',
    `${head}metadata: {name: a}\nspec: {containers: []}\n`,
    /^invalid pod: .*spec\.containers: Required value/,
  ],
  ['a service account', `${web}  serviceAccountName: x\n`, /^static pods may not reference serviceaccounts$/],
  ['a Secret by a variable', `${web}    envFrom: [{secretRef: {name: s}}]\n`, /^static pods may not reference secrets$/],
  ['a ConfigMap as a volume', `${web}  volumes: [{name: v, configMap: {name: m}}]\n`, /configmaps \(via configmap volumes\)$/],
  ['a claim', `${web}  volumes: [{name: v, persistentVolumeClaim: {claimName: m}}]\n`, /persistentvolumeclaims$/],
  [
    'a token',
    `${web}  serviceAccountName: x\n  volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}]\n`,
    /serviceaccounts$/,
  ],
]
for (const [title, text, message] of refused) {
  test(`a manifest is refused: ${title}`, () => {
    const manifest = readManifest(text, place)
    assert.match('error' in manifest ? manifest.error : '', message)
  })
}

const node: Node = { metadata: { name: 'node-1', uid: 'node-uid' } }
const pod = podOf(web)
const made = planMirror({ pod, mirror: undefined, isEnding: false, node })!.mirror
const stored: Pod = { ...made, metadata: { ...made.metadata, uid: 'm' } }

test('a static pod without a mirror gets one that belongs to the node', () => {
  assert.equal(made.metadata.uid, undefined)
  assert.equal(made.metadata.annotations?.['kubernetes.io/config.mirror'], pod.metadata.uid)
  assert.deepEqual(made.metadata.ownerReferences, [{ apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'node-uid', controller: true }])
})

const deleted: Pod = { ...stored, metadata: { ...stored.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
const changed = podOf(`${web}    args: [x]\n`)
const plans: readonly [string, Parameters<typeof planMirror>[0], string | undefined][] = [
  ['nothing before the node is there', { pod, mirror: undefined, isEnding: false, node: undefined }, undefined],
  ['nothing where the mirror is right', { pod, mirror: stored, isEnding: false, node }, undefined],
  ['the mirror goes that somebody deletes', { pod, mirror: deleted, isEnding: false, node }, 'delete'],
  ['the mirror of another definition goes', { pod: changed, mirror: stored, isEnding: false, node }, 'delete'],
  ['the mirror stays while its pod ends', { pod: undefined, mirror: stored, isEnding: true, node }, undefined],
  ['the mirror goes with its pod', { pod: undefined, mirror: stored, isEnding: false, node }, 'delete'],
]
for (const [title, view, expected] of plans) test(title, () => assert.equal(planMirror(view)?.type, expected))
