import assert from 'node:assert/strict'
import { kindRefs } from '../../../src/client/generated/kind-refs.ts'
import type { Container, Pod, PodSpec, Volume } from '../../../src/kinds/generated/types/core-v1.ts'
import { type AgentWorld, first, isReady, shell } from '../agent-world.ts'
import { execIn, logOf, longMs, running, type Scenario, untilTold } from './scenario.ts'

type Source = {
  readonly kind: 'configMaps' | 'secrets'
  readonly title: string
  /** The volume that shows the object of this name. */
  volume(object: string, optional?: boolean): Omit<Volume, 'name'>
}

const sources: readonly Source[] = [
  { title: 'ConfigMap', kind: 'configMaps', volume: (name, optional) => ({ configMap: { name, ...(optional ? { optional } : {}) } }) },
  { title: 'Secrets', kind: 'secrets', volume: (secretName, optional) => ({ secret: { secretName, ...(optional ? { optional } : {}) } }) },
  {
    title: 'Projected configMap',
    kind: 'configMaps',
    volume: (name, optional) => ({ projected: { sources: [{ configMap: { name, ...(optional ? { optional } : {}) } }] } }),
  },
  {
    title: 'Projected secret',
    kind: 'secrets',
    volume: (name, optional) => ({ projected: { sources: [{ secret: { name, ...(optional ? { optional } : {}) } }] } }),
  },
]

const base64 = (text: string) => Buffer.from(text).toString('base64')

function objects(world: AgentWorld, kind: Source['kind']) {
  const resource = world.client.resource(kindRefs.coreV1[kind], 'default')
  const body = (value: string) => ({ data: { 'data-1': kind === 'secrets' ? base64(value) : value } })
  return {
    create: (name: string, value: string) =>
      resource.create({ apiVersion: 'v1', kind: kind === 'secrets' ? 'Secret' : 'ConfigMap', metadata: { name }, ...body(value) }),
    change: (name: string, value: string) => resource.patch(name, { type: 'merge', body: body(value) }),
    remove: (name: string) => resource.delete(name),
  }
}

/** Says the volume's state whenever it is another, until it is the last of `states`. */
function watching(path: string, last: string): Container {
  const script = `while true; do now="$(cat ${path} 2>/dev/null || echo gone)"; [ "$now" = "$was" ] || echo "$now"; was="$now"; case "$now" in *${last}*) break;; esac; sleep 0.5; done`
  return shell(script)
}

const updates: readonly Scenario[] = [
  ...sources.map(
    ({ title, kind, volume }): Scenario => ({
      title: `${title} optional updates should be reflected in volume`,
      covers: [
        `${title} optional updates should be reflected in volume`,
        ...(kind === 'configMaps' ? [`${title} updates should be reflected in volume`] : []),
      ],
      run: async (world, name) => {
        const { create, change, remove } = objects(world, kind)
        await create(`${name}-del`, 'value-1')
        await create(`${name}-upd`, 'value-1')
        const parts = { del: 'gone', upd: 'value-2', new: 'value-3' }
        const containers = Object.entries(parts).map(([part, last]) => ({
          ...watching(`/${part}/data-1`, last),
          name: part,
          volumeMounts: [{ name: part, mountPath: `/${part}` }],
        }))
        const volumes = Object.keys(parts).map((part) => ({ name: part, ...volume(`${name}-${part}`, true) }))
        await world.create(name, { restartPolicy: 'Never', containers, volumes })
        await world.until(name, (pod) => pod?.status?.containerStatuses?.some((c) => c.state?.running) === true, longMs)
        await remove(`${name}-del`)
        await change(`${name}-upd`, 'value-2')
        await create(`${name}-new`, 'value-3')
        await world.until(name, (pod) => pod?.status?.phase === 'Succeeded', longMs)
        for (const [part, last] of Object.entries(parts)) assert.equal((await logOf(world, name, part)).trimEnd().split('\n').at(-1), last)
      },
    }),
  ),
  ...(['labels', 'annotations'] as const).flatMap((what) =>
    [
      { title: 'Downward API volume', volume: downward },
      { title: 'Projected downwardAPI', volume: (field: string) => ({ projected: { sources: [downward(field)] } }) },
    ].map(
      ({ title, volume }): Scenario => ({
        title: `${title} should update ${what} on modification`,
        run: async (world, name) => {
          const main = { ...watching('/v/field', 'other'), volumeMounts: [{ name: 'v', mountPath: '/v' }] }
          const spec = { restartPolicy: 'Never' as const, containers: [main], volumes: [{ name: 'v', ...volume(`metadata.${what}`) }] }
          await world.create(name, spec, { [what]: { key: 'one' } })
          await world.until(name, (pod) => first(pod)?.state?.running !== undefined, longMs)
          await world.pods().patch(name, { type: 'merge', body: { metadata: { [what]: { key: 'other' } } } })
          await world.until(name, (pod) => pod?.status?.phase === 'Succeeded', longMs)
          assert.match(await logOf(world, name), /key="other"/)
        },
      }),
    ),
  ),
]

function downward(fieldPath: string) {
  return { downwardAPI: { items: [{ path: 'field', fieldRef: { fieldPath } }] } }
}

/** A container that sees a part of a volume, by the name that is in the pod's annotation. */
const byAnnotation = (script: string): Partial<PodSpec> => ({
  containers: [
    {
      ...shell(script),
      env: [{ name: 'PART', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['part']" } } }],
      volumeMounts: [
        { name: 'v', mountPath: '/part', subPathExpr: '$(PART)' },
        { name: 'v', mountPath: '/whole' },
      ],
    },
  ],
  volumes: [{ name: 'v', emptyDir: {} }],
})

const isWaiting = (pod: Pod | undefined) => first(pod)?.state?.waiting?.reason === 'CreateContainerConfigError'

const parts: readonly Scenario[] = [
  ...(
    [
      ['absolute path', '/tmp', 'error SubPath `/tmp` must not be an absolute path'],
      ['backticks', '..', "unable to provision SubPath `..`: must not contain '..'"],
    ] as const
  ).map(
    ([what, part, message]): Scenario => ({
      title: `Variable Expansion should fail substituting values in a volume subpath with ${what}`,
      run: async (world, name) => {
        await world.create(name, byAnnotation('sleep 1000'), { annotations: { part } })
        const pod = await world.until(name, isWaiting, longMs)
        assert.deepEqual([pod?.status?.phase, first(pod)?.state?.waiting?.message], ['Pending', message])
        await world.remove(name)
      },
    }),
  ),
  {
    title: 'Variable Expansion should verify that a failing subpath expansion can be modified during the lifecycle of a container',
    run: async (world, name) => {
      await world.create(name, byAnnotation('sleep 1000'), { annotations: { other: 'x' } })
      await world.until(name, isWaiting, longMs)
      await world.pods().patch(name, { type: 'merge', body: { metadata: { annotations: { part: 'mypath' } } } })
      const pod = await world.until(name, running, longMs)
      assert.equal(await execIn(world, pod, 'main', 'ls', '/whole'), 'mypath')
    },
  },
  {
    title: 'Variable Expansion should succeed in writing subpaths in container',
    run: async (world, name) => {
      await world.create(name, byAnnotation('sleep 1000'), { annotations: { part: 'mypath' } })
      const pod = await world.until(name, running, longMs)
      await execIn(world, pod, 'main', 'touch', '/part/test.log')
      assert.equal(await execIn(world, pod, 'main', 'ls', '/whole/mypath'), 'test.log')
      await world.pods().patch(name, { type: 'merge', body: { metadata: { annotations: { part: 'mynewpath' } } } })
      assert.equal(first(await world.until(name, isReady, longMs))?.restartCount, 0)
      await world.remove(name)
    },
  },
]

const tokens: Scenario = {
  title: 'ServiceAccounts should mount projected service account token',
  covers: ['ServiceAccounts should mount an API token into pods', 'ServiceAccounts should mount projected service account token'],
  run: async (world, name) => {
    await world.client
      .resource(kindRefs.coreV1.serviceAccounts, 'default')
      .create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } })
      .catch(() => {})
    const at = '/var/run/secrets/kubernetes.io/serviceaccount'
    const sources = [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } },
      { configMap: { name: 'map', items: [{ key: 'data-1', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ]
    const script = `cd ${at}; cat ca.crt; echo; cat namespace; echo; cut -d. -f2 token; stat -Lc "%a %u %g" token; id -u`
    await world.create(name, {
      restartPolicy: 'Never',
      serviceAccountName: 'default',
      securityContext: { runAsUser: 1000, fsGroup: 10_000 },
      containers: [{ ...shell(script), volumeMounts: [{ name: 'v', mountPath: at, readOnly: true }] }],
      volumes: [{ name: 'v', projected: { sources } }],
    })
    const pod = (await world.until(name, (p) => p?.status?.phase === 'Succeeded', longMs))!
    const [authority, namespace, payload, owner, user] = (await logOf(world, name)).split('\n')
    assert.deepEqual([authority, namespace, owner, user], ['value-1', 'default', '640 1000 10000', '1000'])
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as {
      readonly sub: string
      readonly exp: number
      readonly iat: number
      readonly 'kubernetes.io': { readonly pod: { readonly uid: string } }
    }
    assert.deepEqual(
      [claims.sub, claims['kubernetes.io'].pod.uid, claims.exp - claims.iat],
      ['system:serviceaccount:default:default', pod.metadata.uid, 3600],
    )
  },
}

const missing: Scenario = {
  title: 'ConfigMap that is not optional holds its pod back until it is there',
  covers: [],
  run: async (world, name) => {
    const containers = [{ ...shell('cat /v/data-1'), volumeMounts: [{ name: 'v', mountPath: '/v' }] }]
    await world.create(name, { restartPolicy: 'Never', containers, volumes: [{ name: 'v', configMap: { name: `${name}-late` } }] })
    await untilTold(world, name, (told) =>
      told.some((line) => line === `FailedMount: MountVolume.SetUp failed for volume "v" : configmap "${name}-late" not found`),
    )
    await objects(world, 'configMaps').create(`${name}-late`, 'there')
    await world.until(name, (pod) => pod?.status?.phase === 'Succeeded', longMs)
    assert.equal(await logOf(world, name), 'there')
  },
}

export const volumeScenarios: readonly Scenario[] = [...updates, ...parts, tokens, missing]
