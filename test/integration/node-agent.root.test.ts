import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sleep } from '../../src/base/clock.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { ConfigMap } from '../../src/kinds/generated/types/core-v1.ts'
import { readCgroupTree } from '../../src/platform/cgroup.ts'
import { mountPointsUnder } from '../../src/platform/mount.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { type AgentWorld, first, idOf, isOver, isReady, shell, startAgentWorld } from './agent-world.ts'
import { ownNamespace } from './own-namespace.ts'

/** The value of one series in a text of metrics. */
function metric(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1).split(' ')[0])
}

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

function declareTests(place: NonNullable<typeof own>): void {
  let world: AgentWorld
  before(async () => {
    world = await startAgentWorld(place)
  })
  after(() => world.close())

  test('a container gets its environment, its volumes, its hosts file and its resolver', async () => {
    const data = { greeting: 'hello', mode: 'quiet' }
    await world.client
      .resource(kindRefs.coreV1.configMaps, 'default')
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf' }, data })
    await world.client.resource(kindRefs.coreV1.secrets, 'default').create({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, type: 'Opaque' },
      data: { token: Buffer.from('s3cret').toString('base64') },
    })
    const container = shell(
      'echo $FROM_MAP $FROM_SECRET $COMBINED $POD_IP; cat /conf/greeting /key/token; echo; stat -Lc %a /key/token; ' +
        'grep -c tmpfs /proc/mounts >/dev/null && grep " /mem " /proc/mounts | cut -d" " -f3; cat /info/labels; echo; ' +
        'grep alias.test /etc/hosts | cut -f1; grep ^search /etc/resolv.conf; ls /data; hostname; id -G',
    )
    await world.create(
      'rich',
      {
        restartPolicy: 'Never',
        hostAliases: [{ ip: '192.0.2.7', hostnames: ['alias.test'] }],
        securityContext: { fsGroup: 4242 },
        initContainers: [
          { ...shell('mkdir -p /all/part && touch /all/part/seen'), name: 'init', volumeMounts: [{ name: 'disk', mountPath: '/all' }] },
        ],
        containers: [
          {
            ...container,
            env: [
              { name: 'FROM_MAP', valueFrom: { configMapKeyRef: { name: 'conf', key: 'mode' } } },
              { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'key', key: 'token' } } },
              { name: 'COMBINED', value: '$(FROM_MAP)-$(MISSING)' },
              { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            ],
            volumeMounts: [
              { name: 'conf', mountPath: '/conf' },
              { name: 'key', mountPath: '/key' },
              { name: 'mem', mountPath: '/mem' },
              { name: 'info', mountPath: '/info' },
              { name: 'disk', mountPath: '/data', subPath: 'part' },
            ],
          },
        ],
        volumes: [
          { name: 'conf', configMap: { name: 'conf' } },
          { name: 'key', secret: { secretName: 'key', defaultMode: 0o400 } },
          { name: 'mem', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
          { name: 'info', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          { name: 'disk', emptyDir: {} },
        ],
      },
      { labels: { app: 'rich' } },
    )
    const pod = (await world.until('rich', isOver))!
    assert.equal(pod.status?.phase, 'Succeeded', JSON.stringify(pod.status))
    assert.deepEqual(world.logOf(pod).split('\n'), [
      `quiet s3cret quiet-$(MISSING) ${pod.status?.podIP}`,
      'hellos3cret',
      '440',
      'tmpfs',
      'app="rich"',
      '192.0.2.7',
      'search default.svc.cluster.local svc.cluster.local cluster.local',
      'seen',
      'rich',
      '0 4242',
    ])
    await world.remove('rich')
  })

  test("a pod's RuntimeClass leads to the engine's handler of another name", async () => {
    await world.client
      .resource(kindRefs.nodeV1.runtimeClasses)
      .create({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'plain' }, handler: 'runc' })
    await world.create('classy', { runtimeClassName: 'plain', restartPolicy: 'Never', containers: [shell('echo here')] })
    assert.equal((await world.until('classy', isOver))?.status?.phase, 'Succeeded')
    await world.remove('classy')
  })

  test('a changed ConfigMap reaches the running container without a restart', async () => {
    const maps = world.client.resource<ConfigMap>(kindRefs.coreV1.configMaps, 'default')
    await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'live' }, data: { value: 'old' } })
    await world.create('live', {
      containers: [
        {
          ...shell('while [ "$(cat /conf/value)" = old ]; do sleep 0.05; done; touch /tmp/seen; sleep 1000'),
          volumeMounts: [{ name: 'conf', mountPath: '/conf' }],
          readinessProbe: { exec: { command: ['test', '-e', '/tmp/seen'] }, periodSeconds: 1 },
        },
      ],
      volumes: [{ name: 'conf', configMap: { name: 'live' } }],
    })
    await world.until('live', (pod) => first(pod)?.state?.running !== undefined)
    await maps.patch('live', { type: 'merge', body: { data: { value: 'new' } } })
    assert.equal(first(await world.until('live', isReady))?.restartCount, 0)
    await world.remove('live')
  })

  test('limits are in the cgroups of pod and container, and memory beyond them kills', async () => {
    await world.create('hungry', {
      restartPolicy: 'Never',
      containers: [{ ...shell('x=1; while true; do x=$x$x; done'), resources: { limits: { cpu: '500m', memory: '32Mi' } } }],
    })
    const started = (await world.until('hungry', (pod) => first(pod)?.state?.waiting === undefined && pod?.status?.podIP !== undefined))!
    const { mode, roots } = readCgroupTree()
    if (mode !== 'unified') {
      const root = roots.find((r) => r.endsWith('/memory'))!
      const limit = readFileSync(join(root, world.files.cgroupRoot, `pod${started.metadata.uid}`, 'memory.limit_in_bytes'), 'utf8')
      assert.equal(limit.trim(), String(32 * 2 ** 20))
    }
    const pod = await world.until('hungry', isOver)
    assert.equal(first(pod)?.state?.terminated?.reason, 'OOMKilled')
    assert.equal(first(pod)?.state?.terminated?.exitCode, 137)
    await world.remove('hungry')
  })

  test('a node tells what its pods use, as cadvisor and the summary of upstream do', async () => {
    await world.create('used', {
      containers: [
        {
          ...shell('dd if=/dev/zero of=/data/file bs=1M count=3 2>/dev/null; echo started; while true; do true; done'),
          resources: { limits: { cpu: '100m', memory: '64Mi' } },
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    })
    const pod = (await world.until('used', isReady))!
    const id = idOf(pod)
    const path = `${world.files.cgroupRoot}/pod${pod.metadata.uid}`
    const labels = `container="main",id="${path}/${id}",image="localhost/busybox:1",name="${id}",namespace="default",pod="used"`
    await untilMetric(`container_cpu_cfs_throttled_periods_total{${labels}}`, (value) => value > 0)
    await untilMetric(`container_cpu_usage_seconds_total{${labels},cpu="total"}`, (value) => value > 0)
    const text = (await world.get('/metrics/cadvisor')).body
    const value = (series: string) => metric(text, series)
    assert.equal(value(`container_spec_memory_limit_bytes{${labels}}`), 64 * 2 ** 20)
    assert.equal(value(`container_spec_cpu_quota{${labels}}`), 10_000)
    assert.ok(value(`container_memory_working_set_bytes{${labels}}`)! > 0)
    assert.ok(value(`container_processes{${labels}}`)! >= 1)
    const bare = 'image="",name="",namespace="default",pod="used"'
    assert.ok(value(`container_memory_usage_bytes{container="",id="${path}",${bare}}`)! > 0)
    assert.ok(value('container_cpu_usage_seconds_total{container="",id="/",image="",name="",namespace="",pod="",cpu="total"}')! > 1)
    assert.match(
      text,
      /^container_network_receive_bytes_total\{container="",id="[^"]+",image="[^"]+",[^}]*pod="used",interface="eth0"\} \d+ \d+$/m,
    )
    assert.equal(metric(text, 'container_scrape_error'), 0)
    const resources = (await world.get('/metrics/resource')).body
    assert.ok(metric(resources, 'pod_cpu_usage_seconds_total{namespace="default",pod="used"}')! > 0)
    const summary = JSON.parse((await world.get('/stats/summary')).body) as Summary
    const stats = summary.pods.find(({ podRef }) => podRef.name === 'used')!
    assert.ok(stats.volume.find((v) => v.name === 'data')!.usedBytes >= 3 * 2 ** 20)
    assert.ok(stats['ephemeral-storage'].usedBytes >= 3 * 2 ** 20)
    assert.ok(stats.process_stats.process_count >= 2)
    assert.deepEqual([stats.network.name, stats.containers[0]!.logs.usedBytes > 0], ['eth0', true])
    assert.ok(summary.node.fs.capacityBytes > summary.node.fs.availableBytes && summary.node.runtime.imageFs.inodes > 0)
    await world.remove('used')
  })

  type Summary = {
    readonly node: {
      readonly fs: { readonly capacityBytes: number; readonly availableBytes: number }
      readonly runtime: { readonly imageFs: { readonly inodes: number } }
    }
    readonly pods: readonly {
      readonly podRef: { readonly name: string }
      readonly volume: readonly { readonly name: string; readonly usedBytes: number }[]
      readonly 'ephemeral-storage': { readonly usedBytes: number }
      readonly process_stats: { readonly process_count: number }
      readonly network: { readonly name: string }
      readonly containers: readonly { readonly logs: { readonly usedBytes: number } }[]
    }[]
  }

  /** Asks until the figure is as wanted. */
  async function untilMetric(series: string, condition: (value: number) => boolean): Promise<void> {
    let value: number | undefined
    for (let tries = 0; tries < 300; tries++) {
      value = metric((await world.get('/metrics/cadvisor')).body, series)
      if (value !== undefined && condition(value)) return
      await sleep(systemClock, 100)
    }
    assert.fail(`${series} is ${value}`)
  }

  test('a termination message is read from its file, or from the log of a failure', async () => {
    await world.create('said', { restartPolicy: 'Never', containers: [shell('echo -n done > /dev/termination-log; exit 3')] })
    await world.create('logged', {
      restartPolicy: 'Never',
      containers: [{ ...shell('echo it broke; exit 4'), terminationMessagePolicy: 'FallbackToLogsOnError' }],
    })
    assert.equal(first(await world.until('said', isOver))?.state?.terminated?.message, 'done')
    assert.equal(first(await world.until('logged', isOver))?.state?.terminated?.message, 'it broke\n')
    await world.remove('said')
    await world.remove('logged')
  })

  test('stop and start keep sandbox, address and files', async () => {
    const spec = {
      containers: [{ ...shell('cat /data/mark; touch /data/mark; sleep 1000'), volumeMounts: [{ name: 'd', mountPath: '/data' }] }],
    }
    await world.create('halt', { ...spec, volumes: [{ name: 'd', emptyDir: {} }] })
    const before = await world.until('halt', isReady)
    const setState = (value: string) =>
      world.pods().patch('halt', { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/run-state': value } } } })
    await setState('stopped')
    await world.until('halt', (pod) => first(pod)?.state?.terminated !== undefined)
    await setState('running')
    const started = await world.until('halt', (pod) => isReady(pod) && first(pod)?.restartCount === 1)
    assert.equal(started?.status?.podIP, before?.status?.podIP)
    assert.equal(await world.execText(started, ['ls', '/data']), 'mark')
    await setState('paused')
    await world.until('halt', (pod) => pod?.status?.conditions?.find((c) => c.type === 'Ready')?.reason === 'Paused')
    await setState('running')
    assert.equal(first(await world.until('halt', isReady))?.restartCount, 1)
    await world.remove('halt')
  })

  test('HTTP and TCP probes reach the pod; a failing one restarts the container', async () => {
    const server = 'mkdir /www; echo ok > /www/index.html; httpd -p 8080 -h /www; sleep 2; killall httpd; sleep 1000'
    await world.create('probed', {
      containers: [
        {
          ...shell(server),
          ports: [{ name: 'web', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/index.html', port: 'web' }, periodSeconds: 1 },
          livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, initialDelaySeconds: 1, failureThreshold: 2 },
        },
      ],
    })
    await world.until('probed', isReady)
    const restarted = await world.until('probed', (pod) => (first(pod)?.restartCount ?? 0) > 0)
    assert.notEqual(first(restarted)?.lastState?.terminated, undefined)
    await world.remove('probed')
  })

  test('containers run on through an agent restart', async () => {
    await world.create('lasting', { containers: [shell('sleep 1000')] })
    const before = await world.until('lasting', isReady)
    await world.stopAgent()
    world.startAgent()
    await world.create('after', { containers: [shell('sleep 1000')] })
    await world.until('after', isReady)
    const now = await world.pods().get('lasting')
    assert.equal(idOf(now), idOf(before))
    assert.equal(first(now)?.restartCount, 0)
    await world.remove('lasting')
    await world.remove('after')
  })

  test('deleted pods leave no sandbox, directory, mount, log or cgroup behind', async () => {
    assert.deepEqual(await world.runtime.list(), [])
    assert.deepEqual(readdirSync(join(world.files.rootDir, 'pods')), [])
    assert.deepEqual(readdirSync(join(world.files.logsDir, 'pods')), [])
    assert.deepEqual(mountPointsUnder(world.files.rootDir), [join(world.files.rootDir, 'memory')])
    const left = readCgroupTree().roots.flatMap((root) => cgroupsBelow(join(root, world.files.cgroupRoot)))
    assert.deepEqual(
      left.filter((path) => /\/pod[^/]*$/.test(path)),
      [],
    )
  })
}

function cgroupsBelow(path: string): string[] {
  if (!existsSync(path)) return []
  return readdirSync(path, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? [join(path, e.name), ...cgroupsBelow(join(path, e.name))] : [],
  )
}
