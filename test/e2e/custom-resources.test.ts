// Custom resources as a user of the stock kubectl meets them: no container runs.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { dump } from 'js-yaml'
import { startCluster, type TestCluster } from './cluster.ts'

let cluster: TestCluster

before(async () => {
  cluster = await startCluster({ runtime: 'fake', nodes: 1 })
})

after(() => cluster?.down())

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'crontabs.stable.example.com' },
  spec: {
    group: 'stable.example.com',
    scope: 'Namespaced',
    names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', shortNames: ['ct'], categories: ['all'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
        },
        additionalPrinterColumns: [
          { name: 'Spec', type: 'string', jsonPath: '.spec.cronSpec' },
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'Runs an image by a calendar.',
            properties: {
              spec: {
                type: 'object',
                description: 'What runs, and when.',
                required: ['cronSpec'],
                properties: {
                  cronSpec: { type: 'string', description: 'When it runs, in five fields.', pattern: '^(\\S+ ){4}\\S+$' },
                  image: { type: 'string', default: 'busybox' },
                  replicas: { type: 'integer', minimum: 0, maximum: 10, default: 1 },
                },
              },
              status: {
                type: 'object',
                properties: {
                  replicas: { type: 'integer' },
                  selector: { type: 'string' },
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: {
                      type: 'object',
                      required: ['type', 'status'],
                      properties: { type: { type: 'string' }, status: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
}

const tab = (name: string, spec: object) => dump({ apiVersion: 'stable.example.com/v1', kind: 'CronTab', metadata: { name }, spec })
const good = { cronSpec: '* * * * */5' }

test('a definition is created and served', async () => {
  await cluster.kubectl(['create', '-f', '-'], { input: dump(definition) })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/crontabs.stable.example.com', '--timeout=10s'])
  const { stdout } = await cluster.kubectl(['api-resources', '--api-group=stable.example.com'])
  assert.match(stdout, /crontabs +ct +stable\.example\.com\/v1 +true +CronTab/)
})

test('explain shows the words of the definition', async () => {
  const { stdout } = await cluster.kubectl(['explain', 'crontabs.spec'])
  assert.match(stdout, /What runs, and when\./)
  assert.match(stdout, /cronSpec\s+<string> -required-\s+When it runs, in five fields\./)
  assert.match((await cluster.kubectl(['explain', 'crontabs'])).stdout, /Runs an image by a calendar\./)
})

test('objects are created, judged, pruned and shown in columns', async () => {
  await cluster.kubectl(['create', '-f', '-'], { input: tab('mine', good) })
  const refused = await cluster.kubectl(['create', '-f', '-'], { input: tab('bad', { cronSpec: 'now', replicas: 'many' }), mayFail: true })
  assert.match(refused.stderr, /spec\.cronSpec in body should match/)
  assert.match(refused.stderr, /spec\.replicas: Invalid value: "string": spec\.replicas in body must be of type integer: "string"/)
  const unknown = await cluster.kubectl(['apply', '-f', '-'], { input: tab('bad', { ...good, more: 1 }), mayFail: true })
  assert.match(unknown.stderr, /strict decoding error: unknown field "spec\.more"/)
  const { stdout } = await cluster.kubectl(['get', 'ct'])
  assert.match(stdout, /^NAME +SPEC +REPLICAS +READY +AGE\nmine +\* \* \* \* \*\/5 +1 +\d+s\n$/)
  assert.match((await cluster.kubectl(['get', 'all'])).stdout, /crontab\.stable\.example\.com\/mine/)
  assert.match((await cluster.kubectl(['describe', 'ct', 'mine'])).stdout, /Cron Spec: +\* \* \* \* \*\/5/)
})

test('objects are applied, patched, scaled and edited', async () => {
  const applied = { ...good, image: 'other' }
  await cluster.kubectl(['apply', '-f', '-'], { input: tab('yours', good) })
  await cluster.kubectl(['apply', '-f', '-'], { input: tab('yours', applied) })
  await cluster.kubectl(['apply', '--server-side', '-f', '-'], { input: tab('theirs', applied) })
  const conflict = await cluster.kubectl(['apply', '--server-side', '--field-manager=x', '-f', '-'], {
    input: tab('theirs', { ...good, image: 'third' }),
    mayFail: true,
  })
  assert.match(conflict.stderr, /Apply failed with 1 conflict: conflict with "kubectl": \.spec\.image/)
  await cluster.kubectl(['patch', 'ct', 'mine', '--type=merge', '-p', '{"spec":{"image":"patched"}}'])
  await cluster.kubectl(['patch', 'ct', 'mine', '--type=json', '-p', '[{"op":"replace","path":"/spec/cronSpec","value":"1 1 1 1 1"}]'])
  const strategic = await cluster.kubectl(['patch', 'ct', 'mine', '--type=strategic', '-p', '{"spec":{"image":"no"}}'], { mayFail: true })
  assert.notEqual(strategic.code, 0)
  await cluster.kubectl(['scale', 'ct/mine', '--replicas=4'])
  await cluster.kubectl(['label', 'ct', 'mine', 'a=b'])
  const status = '{"status":{"replicas":4,"selector":"a=b","conditions":[{"type":"Ready","status":"True"}]}}'
  await cluster.kubectl(['patch', 'ct', 'mine', '--subresource=status', '--type=merge', '-p', status])
  const columns = 'custom-columns=I:.spec.image,C:.spec.cronSpec,R:.spec.replicas,S:.status.replicas,G:.metadata.generation'
  const { stdout } = await cluster.kubectl(['get', 'ct', 'mine', '--no-headers', '-o', columns])
  assert.match(stdout.trim(), /^patched +1 1 1 1 1 +4 +4 +4$/)
  await cluster.kubectl(['wait', '--for=condition=Ready', 'ct/mine', '--timeout=5s'])
})

test('dependents go with their owner, and everything with the definition', async () => {
  const uid = (await cluster.kubectl(['get', 'ct', 'mine', '-o', 'jsonpath={.metadata.uid}'])).stdout
  const ownerReferences = [{ apiVersion: 'stable.example.com/v1', kind: 'CronTab', name: 'mine', uid }]
  await cluster.kubectl(['create', '-f', '-'], {
    input: dump({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned', ownerReferences } }),
  })
  await cluster.kubectl(['delete', 'ct', 'mine'])
  await cluster.kubectl(['wait', '--for=delete', 'configmap/owned', '--timeout=30s'])
  await cluster.kubectl(['delete', 'crd', 'crontabs.stable.example.com', '--timeout=30s'])
  const gone = await cluster.kubectl(['get', 'crontabs'], { mayFail: true })
  // kubectl remembers for a while what it has discovered.
  assert.match(gone.stderr, /the server doesn't have a resource type "crontabs"|the server could not find the requested resource/)
})
