import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { busyboxImage } from '../../scripts/images/busybox.ts'
import { startRegistry, type TestRegistry } from '../../scripts/images/registry.ts'
import { silentLog } from '../../src/base/log.ts'
import { cniConfig, cniConfigFile } from '../../src/node/cni/cni-config.ts'
import {
  createContainerdSupervisor,
  type ContainerdSupervisor,
  useExternalContainerd,
} from '../../src/node/containerd/containerd-supervisor.ts'
import { importImages } from '../../src/node/containerd/import-images.ts'
import { ociLayoutTar } from '../../src/node/containerd/oci-image.ts'
import { writeRegistryHosts } from '../../src/node/containerd/registry-hosts.ts'
import { type ContainerSpec, type Runtime, RuntimeError, type RuntimeEvent, type SandboxSpec } from '../../src/node/runtime/contract.ts'
import { createCriRuntime } from '../../src/node/runtime/cri/cri-runtime.ts'
import { readCgroupTree, removeCgroup } from '../../src/platform/cgroup.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { writeTextFile } from '../../src/platform/text-file.ts'
import { ownNamespace } from './own-namespace.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

function declareTests({ directory, stateDirectory, cgroup }: NonNullable<typeof own>): void {
  const image = 'localhost/busybox:1'
  const logs = join(directory, 'logs')
  const cniDirectory = join(directory, 'cni')
  let supervisor: ContainerdSupervisor
  let runtime: Runtime
  let registry: TestRegistry
  const events: RuntimeEvent[] = []
  const watching = new AbortController()
  let pods = 0

  const sandboxSpec = (changes: Partial<SandboxSpec> = {}): SandboxSpec => {
    const uid = `uid-${++pods}`
    return {
      ...{ namespace: 'default', name: `pod-${pods}`, uid, attempt: 0, hostname: `pod-${pods}`, hostUsers: true },
      ...{ hostNetwork: false, hostPid: false, hostIpc: false, shareProcessNamespace: false },
      ...{ logDirectory: join(logs, uid), cgroupParent: `${cgroup}/pod${uid}`, portMappings: [], sysctls: {}, privileged: false },
      dns: { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local'], options: ['ndots:5'] },
      ...{ runAsUser: undefined, runAsGroup: undefined, supplementalGroups: [], seccomp: { type: 'RuntimeDefault' as const } },
      ...{ runtimeHandler: '', labels: {}, annotations: {} },
      ...changes,
    }
  }
  const containerSpec = (script: string, changes: Partial<ContainerSpec> = {}): ContainerSpec => ({
    ...{ name: 'main', attempt: 0, specHash: 'h1', image, userImage: image, command: ['/bin/sh', '-c', script], args: [], workingDir: '' },
    ...{ env: [{ name: 'GREETING', value: 'grüß dich' }], mounts: [], devices: [], logPath: 'main/0.log' },
    ...{ stdin: false, stdinOnce: false, tty: false, oomScoreAdj: 1000, stopSignal: undefined, isAwaited: false },
    resources: { cpuShares: undefined, cpuQuotaUs: undefined, cpuPeriodUs: undefined, memoryLimitBytes: undefined, unified: {} },
    security: {
      ...{ privileged: false, readOnlyRootFilesystem: false, allowPrivilegeEscalation: true, addCapabilities: [], dropCapabilities: [] },
      ...{ runAsUser: undefined, runAsUsername: undefined, runAsGroup: undefined, supplementalGroups: [], procMount: 'Default' },
      ...{ seccomp: { type: 'RuntimeDefault' }, shareProcessNamespace: false, hostPid: false, hostIpc: false, hostNetwork: false },
    },
    ...changes,
  })
  /** A pod of one container, up and running; `use` gets its ids and the pod is removed after it. */
  const withPod = async (
    script: string,
    use: (pod: { sandboxId: string; containerId: string; sandbox: SandboxSpec; ip: string; log: () => string }) => Promise<void>,
    changes: Partial<ContainerSpec> = {},
    sandboxChanges: Partial<SandboxSpec> = {},
  ) => {
    const sandbox = sandboxSpec(sandboxChanges)
    mkdirSync(sandbox.logDirectory, { recursive: true })
    const { sandboxId, ips } = await runtime.runSandbox(sandbox)
    try {
      const containerId = await runtime.createContainer(sandboxId, containerSpec(script, changes), sandbox)
      await runtime.startContainer(containerId)
      const path = join(sandbox.logDirectory, 'main/0.log')
      const log = () => (existsSync(path) ? readFileSync(path, 'utf8') : '')
      await use({ sandboxId, containerId, sandbox, ip: ips[0] ?? '', log })
    } finally {
      await runtime.stopSandbox(sandboxId)
      await runtime.removeSandbox(sandboxId)
    }
  }
  const container = async (sandboxId: string, id: string) => (await runtime.pod(sandboxId))?.containers.find((c) => c.id === id)
  const execText = async (id: string, command: readonly string[]) => {
    const { stdout, stderr } = await runtime.execSync(id, command, { timeoutMs: 10_000 })
    return Buffer.from(stdout).toString() + Buffer.from(stderr).toString()
  }

  before(async () => {
    writeTextFile(
      join(cniDirectory, cniConfigFile),
      cniConfig({ podCidr: '10.244.7.0/24', bridge: 'keelson0', mtu: 1450, addressDirectory: join(stateDirectory, 'addresses') }),
    )
    const common = { clock: systemClock, log: silentLog }
    supervisor = createContainerdSupervisor({
      ...{ dataDirectory: directory, stateDirectory, cniConfigDirectory: cniDirectory, random: systemRandom },
      ...common,
    })
    await supervisor.start()
    runtime = createCriRuntime({ socket: supervisor.socket, owner: 'node-1', pinnedImages: ['localhost/keelson/pause:1'], ...common })
    await importImages(supervisor.socket, ociLayoutTar([{ name: image, image: busyboxImage() }]))
    registry = await startRegistry({ basicAuth: { username: 'ann', password: 'secret' } })
    writeRegistryHosts(supervisor.paths.registryDirectory, 'registry.example.test', registry.url)
    void follow()
  })
  after(async () => {
    watching.abort()
    await runtime.close()
    await supervisor.stopAll('node-1', { deleteData: true })
    await registry.close()
    assert.deepEqual(removeCgroup(cgroup), [])
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    assert.deepEqual(
      mounts.filter((line) => line.includes(directory) || line.includes(stateDirectory)),
      [],
    )
    assert.equal(existsSync(stateDirectory), false)
  })
  const follow = async () => {
    while (!watching.signal.aborted) {
      try {
        for await (const event of runtime.events(watching.signal)) events.push(event)
      } catch {
        await new Promise((resolve) => systemClock.schedule(20, () => resolve(undefined)))
      }
    }
  }

  test('reports a ready engine and network, and pins the pause image', async () => {
    assert.equal((await runtime.version()).name, 'containerd')
    const { runtimeReady, networkReady } = await runtime.status()
    assert.deepEqual([runtimeReady.status, networkReady.status], [true, true])
    const images = await runtime.images()
    assert.deepEqual(
      images.map(({ repoTags, pinned }) => [repoTags[0], pinned]).toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
      [
        [image, false],
        ['localhost/keelson/pause:1', true],
      ],
    )
  })

  test('an engine that somebody else runs is used as it is, and given the pause image that it asks for', async () => {
    await runtime.removeImage('localhost/keelson/pause:1')
    await useExternalContainerd(supervisor.socket, { clock: systemClock, log: silentLog, signal: watching.signal })
    assert.ok(await runtime.image('localhost/keelson/pause:1'))
  })

  test('a container runs to its end: log, exit code, times, hash and the exit event at once', () =>
    withPod('echo hello $GREETING; echo oops >&2; read x < /dev/null; sleep 0.1; exit 3', async ({ sandboxId, containerId, log, ip }) => {
      const exited = await eventually(() => events.find((e) => e.containerId === containerId && e.type === 'ContainerExited'))
      const seenAt = systemClock.now()
      assert.equal(exited.exitCode, 3)
      const state = await container(sandboxId, containerId)
      assert.deepEqual(
        [state?.state, state?.exitCode, state?.reason, state?.image, state?.specHash, state?.attempt],
        ['Exited', 3, 'Error', image, 'h1', 0],
        'a list made on the event shows the exit',
      )
      const latencyMs = seenAt - state!.finishedAtMs!
      assert.ok(latencyMs < 500, `exit learnt after ${latencyMs} ms`)
      assert.ok(state!.startedAtMs! >= state!.createdAtMs && state!.finishedAtMs! > state!.startedAtMs!)
      // The two streams are read apart: only their lines are certain, not their order.
      const lines = log()
        .trim()
        .split('\n')
        .map((line) => line.replace(/^\S+Z /, ''))
      assert.deepEqual(
        lines.toSorted((x, y) => (x < y ? -1 : 1)),
        ['stderr F oops', 'stdout F hello grüß dich'],
      )
      assert.match(ip, /^10\.244\.7\.\d+$/)
    }))

  test('crun starts the pods that ask for it, or says itself why it cannot', async () => {
    const ask = withPod(
      'sleep 1000',
      async ({ containerId }) => {
        assert.equal((await runtime.execSync(containerId, ['sh', '-c', 'exit 4'], { timeoutMs: 10_000 })).exitCode, 4)
      },
      {},
      { runtimeHandler: 'crun' },
    )
    // It knows no machine with controllers in both versions of cgroups, and need not be installed.
    await ask.catch((error: Error) =>
      assert.match(error.message, /OCI runtime create failed: .*hybrid mode|exec: "crun": executable file not found/),
    )
  })

  test('execSync gives outputs and exit code, and a timeout is DeadlineExceeded', () =>
    withPod('sleep 1000', async ({ containerId }) => {
      const result = await runtime.execSync(containerId, ['sh', '-c', 'echo out; echo err >&2; exit 4'], { timeoutMs: 5000 })
      assert.deepEqual(
        [result.exitCode, Buffer.from(result.stdout).toString(), Buffer.from(result.stderr).toString()],
        [4, 'out\n', 'err\n'],
      )
      await assert.rejects(runtime.execSync(containerId, ['sleep', '20'], { timeoutMs: 1000 }), { reason: 'DeadlineExceeded' })
      await assert.rejects(runtime.execSync('nobody', ['true'], { timeoutMs: 1000 }), { reason: 'NotFound' })
      await assert.rejects(runtime.execSync(containerId, ['/no/such'], { timeoutMs: 1000 }), { reason: 'Failed' })
    }))

  test('exec streams both ways: stdin ends, nothing is lost, the exit code comes', () =>
    withPod('sleep 1000', async ({ containerId }) => {
      const streams = { stdin: true, stdout: true, stderr: true, tty: false }
      const counted = await runtime.exec(containerId, { command: ['sh', '-c', 'wc -c; echo warn >&2; exit 5'], ...streams })
      counted.stdin!.end(Buffer.alloc(3_000_000, 'x'))
      const [out, err, done] = await Promise.all([textOf(counted.stdout!), textOf(counted.stderr!), counted.done])
      assert.deepEqual([out, err, done], ['3000000\n', 'warn\n', { exitCode: 5 }])

      const big = await runtime.exec(containerId, { command: ['dd', 'if=/dev/zero', 'bs=1000', 'count=20000'], ...streams, stdin: false })
      let bytes = 0
      for await (const chunk of big.stdout!) bytes += chunk.length
      assert.equal(bytes, 20_000_000)
      assert.deepEqual(await big.done, { exitCode: 0 })

      const missing = await runtime.exec(containerId, { command: ['/no/such'], ...streams, stdin: false })
      await assert.rejects(missing.done, RuntimeError)
    }))

  for (const [what, script] of [
    ['reads a little of', 'head -c 5 >/dev/null; echo over; exit 3'],
    ['does not read', 'sleep 0.2; echo over; exit 3'],
    ['closes', 'exec <&-; sleep 0.2; echo over; exit 3'],
  ] as const)
    test(`a process that ${what} endless input ends with its output and its exit code`, { timeout: 60_000 }, () =>
      withPod('sleep 1000', async ({ containerId }) => {
        const process = await runtime.exec(containerId, {
          command: ['sh', '-c', script],
          stdin: true,
          stdout: true,
          stderr: true,
          tty: false,
        })
        const chunk = Buffer.alloc(64 * 1024, 'y')
        process.stdin!.on('error', () => {})
        // As from a socket: between two chunks everything else has its turn, the end of the process too.
        const endless = Readable.from(
          (async function* () {
            for (; ; await setImmediate()) yield chunk
          })(),
        )
        endless.pipe(process.stdin!)
        assert.deepEqual(await Promise.all([textOf(process.stdout!), process.done]), ['over\n', { exitCode: 3 }])
        endless.destroy()
        process.close()
      }),
    )

  test('a terminal is one stream, has the size it is given, and echoes', () =>
    withPod('sleep 1000', async ({ containerId }) => {
      const terminal = await runtime.exec(containerId, { command: ['sh'], stdin: true, stdout: true, stderr: true, tty: true })
      assert.equal(terminal.stderr, undefined)
      terminal.resize({ width: 123, height: 45 })
      let text = ''
      terminal.stdout!.on('data', (chunk) => (text += chunk))
      await eventually(async () => {
        terminal.stdin!.write('stty size\n')
        return text.includes('45 123')
      })
      terminal.stdin!.write('exit 9\n')
      assert.deepEqual(await terminal.done, { exitCode: 9 })
    }))

  test('attach reaches the process itself, and closing stdin ends it', () =>
    withPod(
      'while read line; do echo "got $line"; done; echo over',
      async ({ sandboxId, containerId }) => {
        const attached = await runtime.attach(containerId, { stdin: true, stdout: true, stderr: true, tty: false })
        const output = textOf(attached.stdout!)
        attached.stdin!.write('one\n')
        attached.stdin!.end('two\n')
        assert.equal(await output, 'got one\ngot two\nover\n')
        await attached.done
        await eventually(async () => (await container(sandboxId, containerId))?.exitCode === 0)
      },
      { stdin: true, stdinOnce: true },
    ))

  test('a port is forwarded into the pod, its address answers on the node, and a closed port breaks the pipe', () =>
    withPod('nc -ll -p 8080 -e /bin/cat', async ({ sandboxId, ip }) => {
      await eventually(() => connects(ip, 8080))
      const pipe = await runtime.portForward(sandboxId, 8080)
      pipe.write('through the pipe')
      const [first] = (await new Promise((resolve) => pipe.once('data', (chunk) => resolve([chunk])))) as [Buffer]
      assert.equal(first.toString(), 'through the pipe')
      pipe.destroy()
      const closed = await runtime.portForward(sandboxId, 8081)
      closed.resume()
      const error = await new Promise<Error | undefined>((resolve) => {
        closed.once('error', resolve)
        closed.once('end', () => resolve(undefined))
      })
      assert.match(error?.message ?? '', /refused/)
    }))

  test('a host port leads to the pod, on loopback and for the pod itself, and is closed with it', async () => {
    const portMappings = [{ protocol: 'TCP' as const, containerPort: 80, hostPort: 31080, hostIp: '' }]
    await withPod(
      'nc -ll -p 80 -e /bin/cat',
      async ({ containerId }) => {
        await eventually(() => connects('127.0.0.1', 31080))
        const echoed = 'echo hi | timeout 3 nc 10.244.7.1 31080'
        assert.equal(await execText(containerId, ['sh', '-c', echoed]), 'hi\n')
      },
      {},
      { portMappings },
    )
    assert.equal(await connects('127.0.0.1', 31080), false)
    // A runtime that has just been started knows whose ports are open.
    await withPod(
      'nc -ll -p 80 -e /bin/cat',
      async ({ sandboxId }) => {
        const restarted = createCriRuntime({ socket: supervisor.socket, owner: 'node-1', clock: systemClock, log: silentLog })
        await restarted.stopSandbox(sandboxId)
        await restarted.close()
        assert.equal(await connects('127.0.0.1', 31080), false)
      },
      {},
      { portMappings },
    )
  })

  test('a memory limit kills: 137, OOMKilled, and an event', () =>
    withPod(
      'exec dd if=/dev/zero of=/dev/null bs=200M count=50',
      async ({ sandboxId, containerId }) => {
        await eventually(() => events.some((e) => e.containerId === containerId && e.type === 'ContainerExited'))
        const state = await container(sandboxId, containerId)
        assert.deepEqual([state?.exitCode, state?.reason], [137, 'OOMKilled'])
        assert.ok(events.some((e) => e.containerId === containerId && e.type === 'ContainerOOM'))
      },
      { resources: { ...containerSpec('').resources, memoryLimitBytes: 32 * 1024 * 1024 } },
    ))

  test('a CPU quota throttles, and can be changed while the container runs', () =>
    withPod(
      'while :; do :; done',
      async ({ containerId, sandbox }) => {
        const file = (name: string) => {
          const { roots } = readCgroupTree()
          const found = roots.map((root) => join(root, sandbox.cgroupParent, containerId, name)).find((path) => existsSync(path))
          return found === undefined ? '' : readFileSync(found, 'utf8')
        }
        await eventually(() => /nr_throttled [1-9]/.test(file('cpu.stat')))
        await runtime.updateResources(containerId, { ...containerSpec('').resources, cpuQuotaUs: 30_000, cpuPeriodUs: 100_000 })
        assert.match(file('cpu.cfs_quota_us') + file('cpu.max'), /^30000/)
        await eventually(async () => (await runtime.stats()).some((s) => s.containerId === containerId && s.cpuUsageNanoseconds > 0))
      },
      { resources: { ...containerSpec('').resources, cpuQuotaUs: 10_000, cpuPeriodUs: 100_000 } },
    ))

  test('a paused container does nothing, a resumed one goes on, and a paused one still stops gracefully', () =>
    withPod('trap "echo bye; exit 6" TERM; echo ready; while :; do sleep 0.02; done', async ({ sandboxId, containerId, log }) => {
      await eventually(() => log().includes('ready'))
      await runtime.pauseContainer(containerId)
      await assert.rejects(runtime.execSync(containerId, ['true'], { timeoutMs: 1000 }), RuntimeError)
      await runtime.resumeContainer(containerId)
      assert.equal(await execText(containerId, ['echo', 'awake']), 'awake\n')
      await runtime.pauseContainer(containerId)
      await runtime.stopContainer(containerId, 10)
      assert.equal((await container(sandboxId, containerId))?.exitCode, 6)
      assert.match(log(), /bye/)
      assert.ok(events.some((e) => e.containerId === containerId && e.type === 'ContainerPaused'))
    }))

  test('stopping sends the signal asked for, kills what ignores it, and is idempotent', async () => {
    await withPod(
      'trap "exit 8" USR1; echo ready; while :; do sleep 0.02; done',
      async ({ sandboxId, containerId, log }) => {
        await eventually(() => log().includes('ready'))
        await runtime.stopContainer(containerId, 10)
        await runtime.stopContainer(containerId, 10)
        assert.equal((await container(sandboxId, containerId))?.exitCode, 8)
      },
      { stopSignal: 'SIGUSR1' },
    )
    await withPod('trap "" TERM; echo ready; while :; do sleep 0.02; done', async ({ sandboxId, containerId, log }) => {
      await eventually(() => log().includes('ready'))
      await runtime.stopContainer(containerId, 1)
      assert.equal((await container(sandboxId, containerId))?.exitCode, 137)
    })
    await runtime.stopContainer('nobody', 1)
    await runtime.removeContainer('nobody')
    await runtime.stopSandbox('nobody')
    await runtime.removeSandbox('nobody')
  })

  test('a second container in the same sandbox keeps the address; a reused name is AlreadyExists', () =>
    withPod('exit 0', async ({ sandboxId, sandbox, ip }) => {
      await assert.rejects(runtime.createContainer(sandboxId, containerSpec('sleep 1000'), sandbox), { reason: 'AlreadyExists' })
      await assert.rejects(runtime.runSandbox(sandbox), { reason: 'AlreadyExists' })
      const second = await runtime.createContainer(sandboxId, containerSpec('sleep 1000', { attempt: 1, logPath: 'main/1.log' }), sandbox)
      await runtime.startContainer(second)
      assert.match(await execText(second, ['ip', '-4', 'addr', 'show', 'eth0']), new RegExp(`inet ${ip}/24`))
      assert.match(await execText(second, ['cat', '/etc/resolv.conf']), /nameserver 10\.96\.0\.10\noptions ndots:5/)
      const pod = await runtime.pod(sandboxId)
      assert.deepEqual(
        pod?.containers.map(({ attempt, state }) => [attempt, state]),
        [
          [0, 'Exited'],
          [1, 'Running'],
        ],
      )
    }))

  test('a rotated log is reopened and loses no line', () =>
    withPod('i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done', async ({ containerId, sandbox }) => {
      const path = join(sandbox.logDirectory, 'main/0.log')
      await eventually(() => existsSync(path) && readFileSync(path, 'utf8').split('\n').length > 10)
      renameSync(path, `${path}.old`)
      await runtime.reopenLog(containerId)
      await eventually(() => existsSync(path) && readFileSync(path, 'utf8').split('\n').length > 10)
      const numbers = `${readFileSync(`${path}.old`, 'utf8')}${readFileSync(path, 'utf8')}`.match(/(?<= F )\d+$/gm)!.map(Number)
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index + 1),
      )
    }))

  test('a private image needs its password; each failure has its reason', async () => {
    registry.add('team/tool', '1', busyboxImage({ cmd: ['/bin/true'], user: '1234' }))
    const name = 'registry.example.test/team/tool:1'
    await assert.rejects(runtime.pullImage(name, undefined), { reason: 'ImagePull' })
    await assert.rejects(runtime.pullImage(name, { username: 'ann', password: 'wrong' }), { reason: 'ImagePull' })
    const pulled = await runtime.pullImage(name, { username: 'ann', password: 'secret' })
    assert.deepEqual([pulled.repoTags, pulled.uid], [[name], 1234])
    assert.deepEqual((await runtime.image(name))?.id, pulled.id)
    const auth = Buffer.from('ann:secret').toString('base64')
    await assert.rejects(runtime.pullImage('registry.example.test/team/none:1', { auth }), { reason: 'ImagePull' })
    await assert.rejects(runtime.pullImage('Not A Name', undefined), { reason: 'InvalidImageName' })
    await assert.rejects(runtime.pullImage('127.0.0.1:1/x:1', undefined), { reason: 'RegistryUnavailable' })
    await runtime.removeImage(name)
    await runtime.removeImage(name)
    assert.equal(await runtime.image(name), undefined)
    assert.match((await runtime.imageFilesystem()).mountpoint, /overlayfs/)
  })

  test('containers outlive containerd: killed, it comes back, and the container is found running with its log', () =>
    withPod('while :; do echo tick; sleep 0.02; done', async ({ sandboxId, containerId, log }) => {
      const restarted = new Promise<string>((resolve) => supervisor.onRestart(resolve))
      process.kill(Number(readFileSync(join(stateDirectory, 'containerd.pid'), 'utf8')), 'SIGKILL')
      assert.match(await restarted, /SIGKILL/)
      assert.equal((await container(sandboxId, containerId))?.state, 'Running')
      const lines = log().length
      await eventually(() => log().length > lines)
      assert.equal(await execText(containerId, ['echo', 'here']), 'here\n')
      // The event stream of the contract ended; a new one works.
      await eventually(async () => {
        await runtime.execSync(containerId, ['true'], { timeoutMs: 1000 })
        return true
      })
      await runtime.stopContainer(containerId, 0)
      await eventually(() => events.some((e) => e.containerId === containerId && e.type === 'ContainerExited'))
    }))

  test('what was removed leaves nothing: no pod, no cgroup, no mount, no interface, no address', async () => {
    assert.deepEqual(await runtime.list(), [])
    const left = readCgroupTree().roots.flatMap((root) =>
      existsSync(join(root, cgroup)) ? readdirSync(join(root, cgroup), { withFileTypes: true }) : [],
    )
    assert.deepEqual(
      left.filter((entry) => entry.isDirectory()).map((entry) => entry.name),
      [],
    )
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    assert.deepEqual(
      mounts.filter((line) => line.includes(stateDirectory) || line.includes(`${directory}/`)),
      [],
    )
    assert.deepEqual(
      Object.keys((await import('node:os')).networkInterfaces()).filter((name) => name.startsWith('veth')),
      [],
    )
    assert.deepEqual(
      readdirSync(join(stateDirectory, 'addresses/keelson')).filter((name) => /^\d/.test(name)),
      [],
    )
  })
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function eventually<T>(condition: () => T | Promise<T>, limitMs = 15_000): Promise<NonNullable<T>> {
  const deadline = systemClock.monotonicMs() + limitMs
  for (;;) {
    const value = await condition()
    if (value) return value as NonNullable<T>
    if (systemClock.monotonicMs() > deadline) throw new Error(`never: ${condition.toString()}`)
    await new Promise((resolve) => systemClock.schedule(10, () => resolve(undefined)))
  }
}
