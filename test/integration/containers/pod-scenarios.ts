import assert from 'node:assert/strict'
import { kindRefs } from '../../../src/client/generated/kind-refs.ts'
import type { EphemeralContainer, Pod, Service } from '../../../src/kinds/generated/types/core-v1.ts'
import { first, isReady, shell } from '../agent-world.ts'
import { startRegistry } from '../../../scripts/images/registry.ts'
import { writeRegistryHosts } from '../../../src/node/containerd/registry-hosts.ts'
import { twoLayers } from './images.ts'
import { execIn, logOf, longMs, running, type Scenario, statusOf, untilTold } from './scenario.ts'

const fails = (script: string, name: string) => ({ ...shell(script), name })
const blackbox = 'Container Runtime blackbox test when starting a container that exits should run with the expected status'

export const podScenarios: readonly Scenario[] = [
  {
    title: `${blackbox}: Always, Never`,
    covers: [],
    run: async (world, name) => {
      const script = 'if [ -f /v/once ]; then sleep 1000; fi; touch /v/once; exit 1'
      const spec = {
        containers: [{ ...shell(script), volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
        volumes: [{ name: 'v', emptyDir: {} }],
      }
      await world.create(`${name}-always`, { restartPolicy: 'Always', ...spec })
      await world.create(`${name}-never`, { restartPolicy: 'Never', ...spec })
      const again = await world.until(`${name}-always`, (pod) => first(pod)?.restartCount === 1 && isReady(pod), longMs)
      assert.deepEqual([again?.status?.phase, first(again)?.started, first(again)?.lastState?.terminated?.exitCode], ['Running', true, 1])
      const ended = await world.until(`${name}-never`, (pod) => pod?.status?.phase === 'Failed', longMs)
      assert.deepEqual([first(ended)?.restartCount, first(ended)?.ready, first(ended)?.started], [0, false, false])
    },
  },
  {
    title: 'InitContainer should not start app containers if init containers fail on a RestartAlways pod',
    run: async (world, name) => {
      const initContainers = [fails('false', 'init1'), fails('true', 'init2')]
      await world.create(name, { initContainers, containers: [fails('sleep 1000', 'run1')] })
      const failing = await world.until(name, (pod) => (statusOf(pod, 'init1')?.restartCount ?? 0) >= 1, longMs)
      assert.equal(failing?.status?.phase, 'Pending')
      const initialized = failing.status.conditions!.find((c) => c.type === 'Initialized')!
      assert.deepEqual(
        [initialized.status, initialized.reason, initialized.message],
        ['False', 'ContainersNotInitialized', 'containers with incomplete status: [init1 init2]'],
      )
      for (const waiting of ['init2', 'run1'])
        assert.deepEqual(statusOf(failing, waiting)?.state, { waiting: { reason: 'PodInitializing' } })
    },
  },
  {
    title: 'InitContainer should invoke init containers on a RestartAlways pod',
    run: async (world, name) => {
      const initContainers = [fails('true', 'init1'), fails('true', 'init2')]
      await world.create(name, { initContainers, containers: [fails('sleep 1000', 'run1')] })
      const pod = (await world.until(name, isReady, longMs))!
      assert.equal(pod.status?.phase, 'Running')
      for (const passed of ['init1', 'init2']) {
        const status = statusOf(pod, passed)!
        assert.deepEqual([status.ready, status.state?.terminated?.exitCode, status.state?.terminated?.reason], [true, 0, 'Completed'])
      }
      assert.equal(pod.status.conditions?.find((c) => c.type === 'Initialized')?.status, 'True')
    },
  },
  {
    title: 'Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete',
    run: async (world, name) => {
      await world.create(name, { containers: [shell('exit 1')] })
      await world.until(name, (pod) => first(pod)?.state?.waiting?.reason === 'CrashLoopBackOff', longMs)
      await world.pods().delete(name)
      await world.until(name, (pod) => pod === undefined, longMs)
    },
  },
  {
    title: 'KubeletManagedEtcHosts should test kubelet managed /etc/hosts file',
    run: async (world, name) => {
      const own = { name: 'v', mountPath: '/etc/hosts' }
      const volumes = [{ name: 'v', hostPath: { path: '/etc/hosts', type: 'File' as const } }]
      const containers = [fails('sleep 1000', 'managed'), { ...fails('sleep 1000', 'own'), volumeMounts: [own] }]
      await world.create(name, { containers, volumes })
      await world.create(`${name}-host`, { hostNetwork: true, containers: [fails('sleep 1000', 'managed')] })
      const pod = await world.until(name, running, longMs)
      const mark = '# Kubernetes-managed hosts file'
      const hosts = async (of: Pod | undefined, container: string) =>
        (await execIn(world, of, container, 'cat', '/etc/hosts')).split('\n')[0]
      assert.equal(await hosts(pod, 'managed'), `${mark}.`)
      assert.ok(!(await hosts(pod, 'own'))!.startsWith(mark))
      const host = await world.until(`${name}-host`, running, longMs)
      assert.equal(await hosts(host, 'managed'), `${mark} (host network).`)
      assert.equal(host?.status?.podIP, host?.status?.hostIP)
    },
  },
  {
    title: 'Pods should contain environment variables for services',
    run: async (world, name) => {
      const service = { metadata: { name: 'fooservice' }, spec: { ports: [{ port: 8765 }], clusterIP: '10.96.7.7' } }
      await world.client.resource<Service>(kindRefs.coreV1.services, 'default').create({ apiVersion: 'v1', kind: 'Service', ...service })
      // The agent's own list of services follows in a moment: what has begun earlier has not got them.
      let seen: string[] = []
      for (let i = 0; i < 20 && seen.length === 0; i++) {
        await world.create(`${name}-${i}`, { restartPolicy: 'Never', containers: [{ ...shell(''), command: ['/bin/env'] }] })
        await world.until(`${name}-${i}`, (pod) => pod?.status?.phase === 'Succeeded', longMs)
        seen = (await logOf(world, `${name}-${i}`)).split('\n').filter((line) => line.startsWith('FOOSERVICE_'))
      }
      assert.deepEqual(seen.sort(), [
        'FOOSERVICE_PORT=tcp://10.96.7.7:8765',
        'FOOSERVICE_PORT_8765_TCP=tcp://10.96.7.7:8765',
        'FOOSERVICE_PORT_8765_TCP_ADDR=10.96.7.7',
        'FOOSERVICE_PORT_8765_TCP_PORT=8765',
        'FOOSERVICE_PORT_8765_TCP_PROTO=tcp',
        'FOOSERVICE_SERVICE_HOST=10.96.7.7',
        'FOOSERVICE_SERVICE_PORT=8765',
      ])
    },
  },
  {
    title: 'Ephemeral Containers will start an ephemeral container in an existing pod',
    covers: [
      'Ephemeral Containers will start an ephemeral container in an existing pod',
      'Ephemeral Containers should update the ephemeral containers in an existing pod',
    ],
    run: async (world, name) => {
      await world.create(name, { containers: [shell('sleep 1000')] })
      await world.until(name, isReady, longMs)
      const add = async (...ephemeralContainers: EphemeralContainer[]) => {
        const body = { spec: { ephemeralContainers } }
        await world.pods().patch(name, { type: 'strategic', body }, { subresource: 'ephemeralcontainers' })
      }
      const isThere = (count: number) => (pod: Pod | undefined) =>
        pod?.status?.ephemeralContainerStatuses?.filter((s) => s.state?.running).length === count
      const script = (text: string) => `trap exit TERM; echo ${text}; sleep 1000 & wait`
      await add({ ...shell(script('polo')), name: 'debugger' })
      await world.until(name, isThere(1), longMs)
      assert.equal(await logOf(world, name, 'debugger'), 'polo\n')
      await add({ ...shell(script('again')), name: 'debugger2', targetContainerName: 'main' })
      const pod = (await world.until(name, isThere(2), longMs))!
      assert.deepEqual(
        pod.spec!.ephemeralContainers!.map((c) => c.name).sort((a, b) => a!.localeCompare(b!)),
        ['debugger', 'debugger2'],
      )
      const id = pod.status!.ephemeralContainerStatuses!.find((s) => s.name === 'debugger2')!.containerID!.slice('containerd://'.length)
      const { stdout } = await world.runtime.execSync(id, ['ps'], { timeoutMs: 10_000 })
      assert.match(Buffer.from(stdout).toString(), /sleep 1000/)
    },
  },
  {
    title: 'Kubectl logs logs should be able to retrieve and filter logs',
    run: async (world, name) => {
      await world.create(name, { restartPolicy: 'Never', containers: [shell('for i in $(seq 0 99); do echo line $i; done')] })
      await world.until(name, (pod) => pod?.status?.phase === 'Succeeded', longMs)
      const lines = async (query: string) => (await logOf(world, name, 'main', query)).trimEnd().split('\n')
      assert.equal((await lines('')).length, 100)
      assert.deepEqual(await lines('?tailLines=1'), ['line 99'])
      assert.deepEqual(await lines('?limitBytes=1'), ['l'])
      const [stamped] = await lines('?tailLines=1&timestamps=true')
      assert.match(stamped!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 99$/)
      assert.equal((await lines('?sinceSeconds=3600')).length, 100)
      const later = encodeURIComponent(new Date(Date.parse(stamped!.split(' ')[0]!) + 60_000).toISOString())
      assert.deepEqual(await lines(`?sinceTime=${later}`), [''])
    },
  },
  {
    title: 'ImageVolume should succeed with pod and pull policy of Always',
    run: async (world, name) => {
      const registry = await startRegistry()
      registry.add('files', '1', twoLayers())
      writeRegistryHosts(world.supervisor.paths.registryDirectory, registry.host, registry.url)
      try {
        await world.create(name, {
          containers: [{ ...shell('cat /volume/dir/text; sleep 1000'), volumeMounts: [{ name: 'v', mountPath: '/volume' }] }],
          volumes: [{ name: 'v', image: { reference: `${registry.host}/files:1`, pullPolicy: 'Always' } }],
        })
        const pod = await world.until(name, running, longMs)
        assert.equal(await execIn(world, pod, 'main', 'cat', '/volume/dir/other'), 'second layer')
        await untilTold(world, name, (told) =>
          told.some((line) => line.startsWith(`Pulled: Successfully pulled image "${registry.host}/files:1"`)),
        )
      } finally {
        await registry.close()
      }
    },
  },
]
