import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { busyboxImage } from '../../scripts/images/busybox.ts'
import { sleep } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { importImages } from '../../src/node/containerd/import-images.ts'
import { ociLayoutTar } from '../../src/node/containerd/oci-image.ts'
import { nftCommand } from '../../src/platform/nft.ts'
import { issueCertificate } from '../../src/platform/pki/certificate.ts'
import { ensureClusterPki } from '../../src/platform/pki/cluster-pki.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { type Cluster, startCluster } from '../../src/roles/embedded.ts'
import { nodeUser } from '../../src/roles/identity.ts'
import { type MachineNode, startMachineNode } from '../../src/roles/node/machine-node.ts'
import { parseNodeSettings } from '../../src/roles/node/node-settings.ts'
import { nodePaths } from '../../src/roles/node/node-paths.ts'
import { defaultClusterNetwork } from '../../src/roles/cluster-network.ts'
import { teardownNode } from '../../src/roles/node/node-teardown.ts'
import { rememberNode } from '../../src/roles/node/own-node.ts'
import { isReady, shell } from './agent-world.ts'
import { ownNamespace } from './own-namespace.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own)

/**
 * A whole node whose only way out is a wire that another namespace watches: whatever arrives there for an address of the cluster has
 * leaked. The sources go on sending from the node's first moment to its last.
 */
function declareTests({ id, directory }: NonNullable<typeof own>): void {
  const wire = `${id}-wire`
  const address = '192.168.77.2'
  const paths = nodePaths(directory)
  /** Pods that are gone, on this node and on others; services that never were, were, and are; the ends of both ranges. */
  const dead = ['10.244.0.250', '10.244.99.9', '10.244.255.254', '10.96.0.1', '10.96.77.7', '10.111.255.254']
  let cluster: Cluster
  let node: MachineNode
  const pest = new AbortController()
  let pestRounds = 0
  let hostPest: Promise<void> = Promise.resolve()

  const sh = (...command: string[]): string => {
    const result = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' })
    assert.equal(result.status, 0, `${command.join(' ')}: ${result.stderr}`)
    return result.stdout
  }
  const counted = (): number => {
    const text = sh('nsenter', `--net=/run/netns/${wire}`, 'nft', 'list', 'table', 'ip', 'watch')
    return Number(/counter packets (\d+)/.exec(text)![1])
  }
  const watchWire = () =>
    nftCommand(wire).apply(
      'table ip watch\ndelete table ip watch\ntable ip watch {\n chain wire {\n type filter hook prerouting priority raw;\n' +
        ' iifname "far" ip daddr { 10.244.0.0/16, 10.96.0.0/12 } counter\n }\n}\n',
    )
  /** One datagram for each dead address; the kernel's refusals are what is wanted. */
  const sendAll = async (): Promise<void> => {
    const socket = createSocket('udp4')
    socket.on('error', () => {})
    await Promise.all(dead.map((to) => new Promise<void>((resolve) => socket.send('x', 9, to, () => resolve()))))
    await new Promise<void>((resolve) => socket.close(resolve))
  }
  const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = systemClock.monotonicMs() + 30_000
    while (!(await condition())) {
      assert.ok(systemClock.monotonicMs() < deadline, `not within 30 s: ${what}`)
      await sleep(systemClock, 20)
    }
  }
  const startNode = () => {
    const pki = ensureClusterPki({ dir: join(directory, 'pki'), hosts: ['127.0.0.1'], nowMs: systemClock.now() })
    const serving = issueCertificate(pki.ca, {
      subject: { commonName: 'system:node:n1', organizations: ['system:nodes'] },
      usages: ['server'],
      hosts: ['n1', address],
      notBeforeMs: systemClock.now() - 60_000,
      notAfterMs: systemClock.now() + 3_600_000,
    })
    rememberNode(directory, 'n1', undefined)
    node = startMachineNode({
      client: cluster.controlPlane.api.clientFor(nodeUser('n1')),
      ...{
        nodeName: 'n1',
        address,
        paths,
        serving,
        clientCa: pki.ca.cert,
        runtimeEndpoint: undefined,
        network: defaultClusterNetwork,
        settings: parseNodeSettings({}),
      },
      ...{ clock: systemClock, random: systemRandom, log: silentLog },
    })
    node.done.catch(() => {})
  }
  const pods = () => cluster.clientset.coreV1().pods('default')
  const untilPod = async (name: string, condition: (pod: Pod) => boolean): Promise<Pod> => {
    let found: Pod | undefined
    await until(`pod ${name}`, async () => {
      found = await pods().get(name)
      return condition(found)
    })
    return found!
  }

  before(async () => {
    sh('ip', 'netns', 'add', wire)
    sh('ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'far', 'netns', wire)
    sh('ip', 'address', 'add', `${address}/24`, 'dev', 'up0')
    sh('ip', 'link', 'set', 'up0', 'up')
    sh('ip', '-n', wire, 'address', 'add', '192.168.77.1/24', 'dev', 'far')
    sh('ip', '-n', wire, 'link', 'set', 'far', 'up')
    sh('ip', 'route', 'add', 'default', 'via', '192.168.77.1')
    await watchWire()
    cluster = await startCluster({ nodes: 0 })
  })
  after(async () => {
    pest.abort()
    await hostPest
    await node?.stop()
    await teardownNode(directory)
    await cluster.close()
  })

  test('without a cluster these packets do leave, and the wire counts them', async () => {
    await until('a packet on the wire', async () => {
      await sendAll()
      return counted() >= dead.length
    })
    await watchWire()
    assert.equal(counted(), 0)
  })

  test('a node that starts lets none out from the moment that it can send anything', async () => {
    startNode()
    await until('the guard', async () => (await nftCommand().list(['table', 'ip', 'keelson-net'], { terse: true })) !== undefined)
    hostPest = (async () => {
      while (!pest.signal.aborted) {
        await sendAll()
        pestRounds++
        await sleep(systemClock, 5)
      }
    })()
    const nodes = cluster.clientset.coreV1().nodes()
    await until('the node is Ready', async () => {
      const { items } = await nodes.list()
      return items.some((n) => n.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'))
    })
    assert.ok(pestRounds > 5, `only ${pestRounds} rounds`)
    assert.equal(counted(), 0)
  })

  test('nor does a running node: not from pods, not from pods in its own network, not from itself', async () => {
    await importImages(paths.containerdSocket, ociLayoutTar([{ name: 'localhost/busybox:1', image: busyboxImage() }]))
    await cluster.clientset
      .coreV1()
      .services('default')
      .create({ metadata: { name: 'empty' }, spec: { clusterIP: '10.96.77.7', ports: [{ port: 80 }] } })
    const script = `while :; do for a in ${dead.join(' ')}; do timeout 1 nc $a 80 </dev/null & ping -c 1 -W 1 $a & done; wait; echo round; done`
    const spec = { containers: [shell(script)], automountServiceAccountToken: false, terminationGracePeriodSeconds: 1 }
    await until('the service account', async () => (await cluster.clientset.coreV1().serviceAccounts('default').list()).items.length > 0)
    await pods().create({ metadata: { name: 'sender' }, spec })
    await pods().create({ metadata: { name: 'host-sender' }, spec: { ...spec, hostNetwork: true } })
    for (const name of ['sender', 'host-sender']) {
      const pod = await untilPod(name, isReady)
      await until(`${name} has sent`, () => logOf(pod).split('round').length > 2)
    }
    // A service and a pod that were: their addresses are dead now.
    await cluster.clientset.coreV1().services('default').delete('empty')
    const gone = await pods().create({ metadata: { name: 'gone' }, spec: { ...spec, containers: [shell('sleep 1000')] } })
    const { status } = await untilPod('gone', isReady)
    await pods().delete(gone.metadata.name!, { gracePeriodSeconds: 0 })
    dead.push(status!.podIP!)
    const rounds = pestRounds
    await until('the dead pod was called', () => pestRounds > rounds + 5)
    assert.equal(counted(), 0)
  })

  test('nor while the agent is away, nor when it comes back', async () => {
    await node.stop()
    const rounds = pestRounds
    await until('more was sent', () => pestRounds > rounds + 5)
    startNode()
    const again = pestRounds
    await until('more was sent', () => pestRounds > again + 20)
    assert.equal(counted(), 0)
  })

  test('nor do the pods of a node that is taken down, to their last moment', async () => {
    pest.abort()
    await hostPest
    await node.stop()
    await teardownNode(directory)
    assert.equal(counted(), 0)
    assert.equal(sh('nft', 'list', 'tables'), '', 'and nothing of the node is left')
    assert.doesNotMatch(sh('ip', 'route', 'show', 'table', 'all'), /10\.244|10\.96/)
  })

  function logOf(pod: Pod): string {
    const { namespace, name, uid } = pod.metadata
    return readFileSync(join(paths.logsDir, 'pods', `${namespace}_${name}_${uid}`, 'main', '0.log'), 'utf8')
  }
}
