import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { busyboxImage } from '../../scripts/images/busybox.ts'
import { silentLog } from '../../src/base/log.ts'
import { createPodNetwork } from '../../src/node/cni/pod-network.ts'
import { createContainerdSupervisor } from '../../src/node/containerd/containerd-supervisor.ts'
import { importImages } from '../../src/node/containerd/import-images.ts'
import { ociLayoutTar } from '../../src/node/containerd/oci-image.ts'
import { createNodeNamespaces, deleteNodeNamespaces, inNamespace } from '../../src/node/machine/netns-nodes.ts'
import type { NetworkNode } from '../../src/node/cni/network-plan.ts'
import { createCriRuntime } from '../../src/node/runtime/cri/cri-runtime.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { ownNamespace } from './own-namespace.ts'

/**
 * Two nodes on one machine, each with an engine of its own in a network namespace of its own, as `keelson up --nodes 2` makes
 * them: their pods talk to each other, and taking them down leaves nothing.
 */
const argument = process.argv[2]
if (argument) await node(JSON.parse(argument) as NodeArguments)
else {
  const own = ownNamespace(import.meta.url)
  if (own) declareTests(own)
}

type NodeArguments = { self: string; nodes: NetworkNode[]; directory: string; stateDirectory: string; cgroup: string }
type Command = { run: string[] } | { stop: true } | { reboot: true }

/** Inside a node: engine, network and one pod that serves its node's name on port 80; then commands over IPC. */
async function node({ self, nodes, directory, stateDirectory, cgroup }: NodeArguments): Promise<void> {
  const common = { clock: systemClock, log: silentLog }
  const cniConfigDirectory = join(directory, 'cni')
  const network = createPodNetwork({
    ...{ self, clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12', mode: 'auto', log: silentLog },
    ...{ cniConfigDirectory, addressDirectory: join(stateDirectory, 'addresses') },
  })
  await network.apply(nodes)
  const engine = createContainerdSupervisor({
    dataDirectory: directory,
    stateDirectory,
    cniConfigDirectory,
    random: systemRandom,
    ...common,
  })
  await engine.start()
  const runtime = createCriRuntime({ socket: engine.socket, owner: self, ...common })
  const image = 'localhost/busybox:1'
  await importImages(engine.socket, ociLayoutTar([{ name: image, image: busyboxImage() }]))
  const none = { hostNetwork: false, hostPid: false, hostIpc: false, shareProcessNamespace: false }
  const user = { runAsUser: undefined, runAsGroup: undefined, supplementalGroups: [], seccomp: { type: 'RuntimeDefault' as const } }
  const sandbox = {
    ...{ namespace: 'd', name: self, uid: self, attempt: 0, hostname: self, hostUsers: true, logDirectory: join(directory, 'logs') },
    ...{
      cgroupParent: `${cgroup}/${self}`,
      dns: { servers: [], searches: [], options: [] },
      portMappings: [],
      sysctls: {},
      privileged: false,
    },
    ...{ runtimeHandler: '', labels: {}, annotations: {} },
    ...none,
    ...user,
  }
  mkdirSync(sandbox.logDirectory, { recursive: true })
  const { sandboxId, ips } = await runtime.runSandbox(sandbox)
  const containerId = await runtime.createContainer(
    sandboxId,
    {
      ...{ name: 'main', attempt: 0, specHash: '', image, userImage: image, workingDir: '', env: [], mounts: [], devices: [], args: [] },
      command: ['nc', '-ll', '-p', '80', '-e', '/bin/hostname'],
      ...{ logPath: 'main.log', stdin: false, stdinOnce: false, tty: false, oomScoreAdj: 1000, stopSignal: undefined, isAwaited: false },
      resources: { cpuShares: undefined, cpuQuotaUs: undefined, cpuPeriodUs: undefined, memoryLimitBytes: undefined, unified: {} },
      security: {
        ...{ privileged: false, readOnlyRootFilesystem: false, allowPrivilegeEscalation: false, addCapabilities: [], dropCapabilities: [] },
        ...{ runAsUsername: undefined, procMount: 'Default' as const },
        ...none,
        ...user,
      },
    },
    sandbox,
  )
  await runtime.startContainer(containerId)
  process.on('message', (command: Command) => void perform(command))
  process.send!({ ip: ips[0] })
  const perform = async (command: Command) => {
    if ('run' in command) {
      const result = await runtime.execSync(containerId, command.run, { timeoutMs: 10_000 })
      process.send!({ output: Buffer.from(result.stdout).toString() + Buffer.from(result.stderr).toString() })
      return
    }
    await runtime.close()
    if ('reboot' in command) {
      // What a reboot does to the state folder: the configurations are gone, the engine's records of pods are not.
      await engine.stop()
      rmSync(cniConfigDirectory, { recursive: true })
      const next = createContainerdSupervisor({
        dataDirectory: directory,
        stateDirectory,
        cniConfigDirectory,
        random: systemRandom,
        ...common,
      })
      await next.start()
      await next.stopAll(self, { deleteData: true })
    } else await engine.stopAll(self, { deleteData: true })
    await network.remove()
    process.send!({ stopped: true })
    process.disconnect?.()
  }
}

function declareTests(own: NonNullable<ReturnType<typeof ownNamespace>>): void {
  type Running = { name: string; ip: string; ask: (command: Command) => Promise<Record<string, string>> }
  const running: Running[] = []
  const start = async (name: string, path: string, nodes: NetworkNode[]): Promise<Running> => {
    const places = { directory: join(own.directory, name), stateDirectory: join(own.stateDirectory, name), cgroup: own.cgroup }
    const command = inNamespace({ path }, process.execPath, [
      fileURLToPath(import.meta.url),
      JSON.stringify({ self: name, nodes, ...places }),
    ])
    const environment = { ...process.env }
    delete environment.NODE_TEST_CONTEXT
    const child = spawn(command.file, command.args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: environment })
    const next = () =>
      new Promise<Record<string, string>>((resolve, reject) => {
        child.once('message', (message) => resolve(message as Record<string, string>))
        child.once('exit', (code) => reject(new Error(`node ${name} ended with ${code}`)))
      })
    const { ip } = await next()
    return { name, ip: ip!, ask: (request) => (child.send(request), next()) }
  }
  before(async () => {
    const { nodes } = await createNodeNamespaces({ prefix: own.id, count: 2, clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12' })
    const known = nodes.map(({ name, address }, index) => ({ name, address, podCidr: `10.244.${index}.0/24` }))
    running.push(...(await Promise.all(nodes.map(({ name, path }) => start(name, path, known)))))
  })
  after(() => deleteNodeNamespaces({ prefix: own.id }))

  test('pods of two nodes, each with its own engine, reach each other', async () => {
    const [first, second] = running as [Running, Running]
    assert.match(first.ip, /^10\.244\.0\./)
    assert.match(second.ip, /^10\.244\.1\./)
    assert.equal((await first.ask({ run: ['timeout', '3', 'nc', second.ip, '80'] })).output, `${second.name}\n`)
    assert.equal((await second.ask({ run: ['timeout', '3', 'nc', first.ip, '80'] })).output, `${first.name}\n`)
  })

  test('taking both down leaves nothing in their namespaces', async () => {
    const [first, second] = running as [Running, Running]
    assert.ok((await first.ask({ stop: true })).stopped)
    assert.ok((await second.ask({ reboot: true })).stopped, 'also when nothing but the records of the pods is left')
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    assert.deepEqual(
      mounts.filter((line) => line.includes(`${own.stateDirectory}/`) || line.includes(`${own.directory}/`)),
      [],
    )
  })
}
