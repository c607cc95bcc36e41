import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustomResourceDefinition } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { simCluster, type SimCluster } from '../sim-cluster.ts'
import { storageVersionMigrationController } from './controller.ts'

const widgets = (version: string): KindRef => ({ group: 'example.com', version, kind: 'Widget', plural: 'widgets', scope: 'Namespaced' })
const definition = (storage: string): CustomResourceDefinition => ({
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: ['v1', 'v2'].map((name) => ({
      name,
      served: true,
      storage: name === storage,
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })),
  },
})

async function inCluster(body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [storageVersionMigrationController], nodes: false })
  try {
    await body(cluster)
    assert.equal(cluster.metrics.panicsOf('storage-version-migrator'), 0)
  } finally {
    await cluster.stop()
  }
}

function parts({ client, clientset, until }: SimCluster) {
  const definitions = clientset.apiextensionsV1().customResourceDefinitions()
  const migrations = clientset.storagemigrationV1beta1().storageVersionMigrations()
  const conditions = async (name: string) =>
    ((await migrations.get(name)).status?.conditions ?? []).map(({ type, status, message }) => `${type}=${status} ${message}`.trim())
  return {
    definitions,
    migrations,
    conditions,
    migrate: (name: string, resource: string, group = '') =>
      migrations.create({ metadata: { name }, spec: { resource: { group, resource } } }),
    over: (name: string, ...expected: string[]) =>
      until(`${name}: ${expected.join()}`, async () => (await conditions(name)).join() === expected.join()),
    storeAs: async (version: string) => {
      const current = await definitions.get('widgets.example.com').catch(() => undefined)
      if (!current) await definitions.create(definition(version))
      else await definitions.update({ ...current, spec: definition(version).spec })
      await until('the kind is served', async () => {
        const { status } = await definitions.get('widgets.example.com')
        return status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false
      })
    },
    versions: async () => (await client.resource(widgets('v1')).list()).items.map(({ metadata }) => metadata.resourceVersion),
  }
}

test('custom objects are stored in the version of today, each written once, and their definition says so', () =>
  inCluster(async (cluster) => {
    const { definitions, migrate, over, storeAs, versions } = parts(cluster)
    await storeAs('v1')
    for (const name of ['a', 'b', 'c']) await cluster.client.resource(widgets('v1'), 'default').create({ metadata: { name } })
    await storeAs('v2')
    await cluster.client.resource(widgets('v2'), 'default').create({ metadata: { name: 'd' } })
    const stored = async () => (await definitions.get('widgets.example.com')).status?.storedVersions
    assert.deepEqual(await stored(), ['v1', 'v2'])
    const before = await versions()
    await migrate('first', 'widgets', 'example.com')
    await over('first', 'Running=False', 'Succeeded=True')
    const after = await versions()
    assert.deepEqual(
      after.map((version, i) => version !== before[i]),
      [true, true, true, false],
    )
    assert.deepEqual(await stored(), ['v2'])
    await migrate('second', 'widgets', 'example.com')
    await over('second', 'Running=False', 'Succeeded=True')
    assert.deepEqual(await versions(), after, 'what is stored as it should be is left alone')
    // The old version may go now.
    const current = await definitions.get('widgets.example.com')
    const [, v2] = current.spec.versions
    assert.equal((await definitions.update({ ...current, spec: { ...current.spec, versions: [v2!] } })).spec.versions.length, 1)
  }))

test('a migration waits for its resource, and leaves built-in objects as they are', () =>
  inCluster(async (cluster) => {
    const { migrations, migrate, over, storeAs } = parts(cluster)
    const map = await cluster.clientset
      .coreV1()
      .configMaps('default')
      .create({ metadata: { name: 'm' }, data: { a: 'b' } })
    await migrate('maps', 'configmaps')
    await over('maps', 'Running=False', 'Succeeded=True')
    assert.deepEqual(await cluster.clientset.coreV1().configMaps('default').get('m'), map)
    assert.ok(Number((await migrations.get('maps')).status?.resourceVersion) > 0)
    await migrate('later', 'widgets', 'example.com')
    await over('later', 'Running=True waits until widgets.example.com is served')
    await storeAs('v1')
    await over('later', 'Running=False', 'Succeeded=True')
  }))

test('an object that may not be written ends the migration, and the definition keeps its versions', () =>
  inCluster(async (cluster) => {
    const { definitions, migrate, migrations, storeAs } = parts(cluster)
    await storeAs('v1')
    await cluster.client.resource(widgets('v1'), 'default').create({ metadata: { name: 'a' } })
    await storeAs('v2')
    const api = cluster.clientset.admissionregistrationV1()
    const resourceRules = [{ apiGroups: ['example.com'], apiVersions: ['*'], operations: ['UPDATE' as const], resources: ['widgets'] }]
    await api.validatingAdmissionPolicies().create({
      metadata: { name: 'frozen' },
      spec: { matchConstraints: { resourceRules }, validations: [{ expression: 'false', message: 'nobody touches widgets' }] },
    })
    const spec = { policyName: 'frozen', validationActions: ['Deny' as const] }
    await api.validatingAdmissionPolicyBindings().create({ metadata: { name: 'frozen' }, spec })
    await cluster.clock.advance(1_000)
    await migrate('m', 'widgets', 'example.com')
    await cluster.until('it fails', async () => (await migrations.get('m')).status?.conditions?.at(-1)?.type === 'Failed')
    const [running, failed] = (await migrations.get('m')).status?.conditions ?? []
    assert.equal(running?.status, 'False')
    assert.match(failed?.message ?? '', /^default\/a: .*nobody touches widgets/)
    assert.deepEqual((await definitions.get('widgets.example.com')).status?.storedVersions, ['v1', 'v2'])
  }))

const refusals: readonly [title: string, group: string | undefined, resource: string, message: RegExp][] = [
  ['no resource', '', '', /spec\.resource\.resource: Required value: resource is required to be set/],
  ['a name that is none', '', 'Widgets', /spec\.resource\.resource: Invalid value: "Widgets": a DNS-1035 label/],
  ['a group that is none', 'Example_', 'widgets', /spec\.resource\.group: Invalid value: "Example_": a lowercase RFC 1123 subdomain/],
]
for (const [title, group, resource, message] of refusals)
  test(`is refused: ${title}`, () =>
    inCluster(async (cluster) => {
      await assert.rejects(
        parts(cluster).migrate('m', resource, group),
        (error) => isStatus(error, 'Invalid') && message.test(error.message),
      )
    }))

test('what it is about stays, and so does its end', () =>
  inCluster(async (cluster) => {
    const { migrations, migrate, over } = parts(cluster)
    await migrate('m', 'secrets')
    await over('m', 'Running=False', 'Succeeded=True')
    const done = await migrations.get('m')
    await assert.rejects(
      migrations.update({ ...done, spec: { resource: { group: '', resource: 'pods' } } }),
      /spec: Invalid value: .*field is immutable/,
    )
    const { conditions = [], ...status } = done.status!
    const turned = conditions.map((condition) => ({ ...condition, status: condition.type === 'Running' ? 'True' : 'False' }))
    await assert.rejects(
      migrations.updateStatus({ ...done, status: { ...status, conditions: turned } }),
      /Success condition cannot be set to false once it is true/,
    )
    await assert.rejects(
      migrations.updateStatus({ ...done, status: { conditions, resourceVersion: '1' } }),
      /status\.resourceVersion: Invalid value: "1": field is immutable/,
    )
  }))
