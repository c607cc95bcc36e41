import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { busyboxImage } from '../../scripts/images/busybox.ts'
import { createTestApi } from '../../src/apiserver/test-api.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Client } from '../../src/client/contract.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { ConfigMap, Pod, PodSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { cniConfig, cniConfigFile } from '../../src/node/cni/cni-config.ts'
import { type ContainerdSupervisor, createContainerdSupervisor } from '../../src/node/containerd/containerd-supervisor.ts'
import { importImages } from '../../src/node/containerd/import-images.ts'
import { ociLayoutTar } from '../../src/node/containerd/oci-image.ts'
import { removeAgentFiles } from '../../src/node/host/agent-files.ts'
import { createNodeAgent } from '../../src/node/node-agent.ts'
import type { Runtime } from '../../src/node/runtime/contract.ts'
import { createCriRuntime } from '../../src/node/runtime/cri/cri-runtime.ts'
import { readCgroupTree } from '../../src/platform/cgroup.ts'
import { mountPointsUnder } from '../../src/platform/mount.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { writeTextFile } from '../../src/platform/text-file.ts'
import { ownNamespace } from './own-namespace.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

const waitMs = 30_000

function declareTests({ directory, stateDirectory, cgroup }: NonNullable<typeof own>): void {
  const image = 'localhost/busybox:1'
  const files = {
    rootDir: join(directory, 'kubelet'),
    logsDir: join(directory, 'logs'),
    cgroupRoot: `${cgroup}/kubepods`,
    clusterDns: { servers: ['10.96.0.10'], domain: 'cluster.local' },
  }
  let supervisor: ContainerdSupervisor
  let runtime: Runtime
  let client: Client
  let running: { stop: AbortController; done: Promise<void> }

  const startAgent = () => {
    const stop = new AbortController()
    const agent = createNodeAgent({
      ...{ client, runtime, clock: systemClock, random: systemRandom, log: silentLog, nodeName: 'n1', files },
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      thresholds: { diskAvailableShare: 0, memoryAvailableBytes: 0 },
    })
    running = { stop, done: agent.run(stop.signal) }
  }
  const stopAgent = async () => {
    running.stop.abort()
    await running.done
  }
  const pods = () => client.resource(kindRefs.coreV1.pods, 'default')
  /** Watches until the pod is as wanted. Undefined: it is gone. */
  const until = async (name: string, condition: (pod: Pod | undefined) => boolean): Promise<Pod | undefined> => {
    const signal = AbortSignal.timeout(waitMs)
    let last: Pod | undefined
    const options = { signal, fieldSelector: `metadata.name=${name}`, sendInitialEvents: true, allowWatchBookmarks: true }
    try {
      for await (const event of pods().watch(options)) {
        if (event.type === 'BOOKMARK') {
          if (event.isInitialEventsEnd && !last && condition(undefined)) return undefined
          continue
        }
        last = event.type === 'DELETED' ? undefined : event.object
        if (condition(last)) return last
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return assert.fail(`${name} did not get there: ${JSON.stringify(last?.status)}`)
  }
  const create = (name: string, spec: Partial<PodSpec>, metadata: Pod['metadata'] = {}) =>
    pods().create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, ...metadata },
      spec: { nodeName: 'n1', terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers: [], ...spec },
    })
  const shell = (script: string) => ({ name: 'main', image, imagePullPolicy: 'Never' as const, command: ['/bin/sh', '-c', script] })
  const remove = async (name: string) => {
    await pods().delete(name, { gracePeriodSeconds: 1 })
    await until(name, (pod) => pod === undefined)
  }
  const isReady = (pod: Pod | undefined) => pod?.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true
  const isOver = (pod: Pod | undefined) => pod?.status?.phase === 'Succeeded' || pod?.status?.phase === 'Failed'
  const first = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0]
  const idOf = (pod: Pod | undefined) => first(pod)!.containerID!.slice('containerd://'.length)
  const logOf = (pod: Pod) => {
    const { namespace, name, uid } = pod.metadata
    const text = readFileSync(join(files.logsDir, 'pods', `${namespace}_${name}_${uid}`, 'main', '0.log'), 'utf8')
    return text
      .split('\n')
      .map((line) => line.split(' ').slice(3).join(' '))
      .join('\n')
      .trim()
  }
  const execText = async (pod: Pod | undefined, command: readonly string[]) => {
    const { stdout, stderr } = await runtime.execSync(idOf(pod), command, { timeoutMs: 10_000 })
    return (Buffer.from(stdout).toString() + Buffer.from(stderr).toString()).trim()
  }

  before(async () => {
    const cniConfigDirectory = join(directory, 'cni')
    const network = { podCidr: '10.244.7.0/24', bridge: 'keelson0', mtu: 1450, addressDirectory: join(stateDirectory, 'addresses') }
    writeTextFile(join(cniConfigDirectory, cniConfigFile), cniConfig(network))
    const common = { clock: systemClock, log: silentLog }
    supervisor = createContainerdSupervisor({
      dataDirectory: directory,
      stateDirectory,
      cniConfigDirectory,
      random: systemRandom,
      ...common,
    })
    await supervisor.start()
    await importImages(supervisor.socket, ociLayoutTar([{ name: image, image: busyboxImage() }]))
    runtime = createCriRuntime({ socket: supervisor.socket, owner: 'n1', ...common })
    client = (await createTestApi({ clock: systemClock, random: systemRandom })).client
    for (const name of ['default', 'kube-node-lease']) {
      await client
        .resource(kindRefs.coreV1.namespaces)
        .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
        .catch(() => {})
    }
    startAgent()
  })
  after(async () => {
    await stopAgent()
    await runtime.close()
    await supervisor.stopAll('n1', { deleteData: true })
    await removeAgentFiles(files)
  })

  test('a container gets its environment, its volumes, its hosts file and its resolver', async () => {
    const data = { greeting: 'hello', mode: 'quiet' }
    await client
      .resource(kindRefs.coreV1.configMaps, 'default')
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf' }, data })
    await client.resource(kindRefs.coreV1.secrets, 'default').create({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, type: 'Opaque' },
      data: { token: Buffer.from('s3cret').toString('base64') },
    })
    const container = shell(
      'echo $FROM_MAP $FROM_SECRET $COMBINED $POD_IP; cat /conf/greeting /key/token; echo; stat -Lc %a /key/token; ' +
        'grep -c tmpfs /proc/mounts >/dev/null && grep " /mem " /proc/mounts | cut -d" " -f3; cat /info/labels; echo; ' +
        'grep alias.test /etc/hosts | cut -f1; grep ^search /etc/resolv.conf; ls /data; hostname; id -G',
    )
    await create(
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
    const pod = (await until('rich', isOver))!
    assert.equal(pod.status?.phase, 'Succeeded', JSON.stringify(pod.status))
    assert.deepEqual(logOf(pod).split('\n'), [
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
    await remove('rich')
  })

  test('a changed ConfigMap reaches the running container without a restart', async () => {
    const maps = client.resource<ConfigMap>(kindRefs.coreV1.configMaps, 'default')
    await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'live' }, data: { value: 'old' } })
    await create('live', {
      containers: [
        {
          ...shell('while [ "$(cat /conf/value)" = old ]; do sleep 0.05; done; touch /tmp/seen; sleep 1000'),
          volumeMounts: [{ name: 'conf', mountPath: '/conf' }],
          readinessProbe: { exec: { command: ['test', '-e', '/tmp/seen'] }, periodSeconds: 1 },
        },
      ],
      volumes: [{ name: 'conf', configMap: { name: 'live' } }],
    })
    await until('live', (pod) => first(pod)?.state?.running !== undefined)
    await maps.patch('live', { type: 'merge', body: { data: { value: 'new' } } })
    assert.equal(first(await until('live', isReady))?.restartCount, 0)
    await remove('live')
  })

  test('limits are in the cgroups of pod and container, and memory beyond them kills', async () => {
    await create('hungry', {
      restartPolicy: 'Never',
      containers: [{ ...shell('x=1; while true; do x=$x$x; done'), resources: { limits: { cpu: '500m', memory: '32Mi' } } }],
    })
    const started = (await until('hungry', (pod) => first(pod)?.state?.waiting === undefined && pod?.status?.podIP !== undefined))!
    const { mode, roots } = readCgroupTree()
    if (mode !== 'unified') {
      const root = roots.find((r) => r.endsWith('/memory'))!
      const limit = readFileSync(join(root, files.cgroupRoot, `pod${started.metadata.uid}`, 'memory.limit_in_bytes'), 'utf8')
      assert.equal(limit.trim(), String(32 * 2 ** 20))
    }
    const pod = await until('hungry', isOver)
    assert.equal(first(pod)?.state?.terminated?.reason, 'OOMKilled')
    assert.equal(first(pod)?.state?.terminated?.exitCode, 137)
    await remove('hungry')
  })

  test('a termination message is read from its file, or from the log of a failure', async () => {
    await create('said', { restartPolicy: 'Never', containers: [shell('echo -n done > /dev/termination-log; exit 3')] })
    await create('logged', {
      restartPolicy: 'Never',
      containers: [{ ...shell('echo it broke; exit 4'), terminationMessagePolicy: 'FallbackToLogsOnError' }],
    })
    assert.equal(first(await until('said', isOver))?.state?.terminated?.message, 'done')
    assert.equal(first(await until('logged', isOver))?.state?.terminated?.message, 'it broke\n')
    await remove('said')
    await remove('logged')
  })

  test('stop and start keep sandbox, address and files', async () => {
    const spec = {
      containers: [{ ...shell('cat /data/mark; touch /data/mark; sleep 1000'), volumeMounts: [{ name: 'd', mountPath: '/data' }] }],
    }
    await create('halt', { ...spec, volumes: [{ name: 'd', emptyDir: {} }] })
    const before = await until('halt', isReady)
    const setState = (value: string) =>
      pods().patch('halt', { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/run-state': value } } } })
    await setState('stopped')
    await until('halt', (pod) => first(pod)?.state?.terminated !== undefined)
    await setState('running')
    const started = await until('halt', (pod) => isReady(pod) && first(pod)?.restartCount === 1)
    assert.equal(started?.status?.podIP, before?.status?.podIP)
    assert.equal(await execText(started, ['ls', '/data']), 'mark')
    await setState('paused')
    await until('halt', (pod) => pod?.status?.conditions?.find((c) => c.type === 'Ready')?.reason === 'Paused')
    await setState('running')
    assert.equal(first(await until('halt', isReady))?.restartCount, 1)
    await remove('halt')
  })

  test('HTTP and TCP probes reach the pod; a failing one restarts the container', async () => {
    const server = 'mkdir /www; echo ok > /www/index.html; httpd -p 8080 -h /www; sleep 2; killall httpd; sleep 1000'
    await create('probed', {
      containers: [
        {
          ...shell(server),
          ports: [{ name: 'web', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/index.html', port: 'web' }, periodSeconds: 1 },
          livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, initialDelaySeconds: 1, failureThreshold: 2 },
        },
      ],
    })
    await until('probed', isReady)
    const restarted = await until('probed', (pod) => (first(pod)?.restartCount ?? 0) > 0)
    assert.notEqual(first(restarted)?.lastState?.terminated, undefined)
    await remove('probed')
  })

  test('containers run on through an agent restart', async () => {
    await create('lasting', { containers: [shell('sleep 1000')] })
    const before = await until('lasting', isReady)
    await stopAgent()
    startAgent()
    await create('after', { containers: [shell('sleep 1000')] })
    await until('after', isReady)
    const now = await pods().get('lasting')
    assert.equal(idOf(now), idOf(before))
    assert.equal(first(now)?.restartCount, 0)
    await remove('lasting')
    await remove('after')
  })

  test('deleted pods leave no sandbox, directory, mount, log or cgroup behind', async () => {
    assert.deepEqual(await runtime.list(), [])
    assert.deepEqual(readdirSync(join(files.rootDir, 'pods')), [])
    assert.deepEqual(readdirSync(join(files.logsDir, 'pods')), [])
    assert.deepEqual(mountPointsUnder(files.rootDir), [join(files.rootDir, 'memory')])
    const left = readCgroupTree().roots.flatMap((root) => cgroupsBelow(join(root, files.cgroupRoot)))
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
