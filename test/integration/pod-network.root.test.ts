import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLog } from '../../src/base/log.ts'
import { createPodNetwork } from '../../src/node/cni/pod-network.ts'
import type { NetworkNode } from '../../src/node/cni/network-plan.ts'
import { createNodeNamespaces, deleteNodeNamespaces, inNamespace, type NodeNamespace } from '../../src/node/machine/netns-nodes.ts'
import { ownNamespace } from './own-namespace.ts'

/** Run inside a node's namespace: applies the pod network there, or removes it, for the nodes in argv. */
const [, , verb, self, mode, directory, nodesJson] = process.argv
if (verb === 'apply' || verb === 'remove') await inside()
else {
  const own = ownNamespace(import.meta.url)
  if (own) declareTests(own.id)
}

async function inside(): Promise<void> {
  const network = createPodNetwork({
    ...{ self: self!, clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12', mode: mode as 'auto' | 'vxlan' },
    ...{ cniConfigDirectory: directory!, addressDirectory: join(directory!, 'addresses'), log: silentLog },
  })
  if (verb === 'apply') await network.apply(JSON.parse(nodesJson!) as NetworkNode[])
  else await network.remove()
}

function declareTests(prefix: string): void {
  const options = {
    prefix,
    count: 2,
    subnet: '10.89.0.0/24',
    clusterCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/12',
  }
  const directoryOfNodes = mkdtempSync(join(tmpdir(), 'keelson-network-'))
  const pods = [0, 1].map((index) => ({ namespace: `${prefix}-pod-${index}`, address: `10.244.${index}.10`, gateway: `10.244.${index}.1` }))
  let nodes: readonly NodeNamespace[]
  let gateway: string
  const networkNodes = (): NetworkNode[] =>
    nodes.map((node, index) => ({ name: node.name, address: node.address, podCidr: `10.244.${index}.0/24` }))

  const agent = (node: NodeNamespace, action: string, way: string, known: readonly NetworkNode[]): Promise<void> => {
    const args = [fileURLToPath(import.meta.url), action, node.name, way, join(directoryOfNodes, node.name), JSON.stringify(known)]
    const command = inNamespace(node, process.execPath, args)
    const environment = { ...process.env }
    delete environment.NODE_TEST_CONTEXT
    const child = spawn(command.file, command.args, { stdio: ['ignore', 'inherit', 'pipe'], env: environment })
    let errors = ''
    child.stderr.on('data', (chunk) => (errors += chunk))
    return new Promise((resolve, reject) => child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(errors)))))
  }
  const applyAll = (way: string, known = networkNodes()) => Promise.all(nodes.map((node) => agent(node, 'apply', way, known)))
  const pings = (from: string, to: string) =>
    spawnSync('ip', ['netns', 'exec', from, 'busybox', 'ping', '-c', '1', '-W', '1', to]).status === 0
  const show = (namespace: string, ...args: string[]) => spawnSync('ip', ['-n', namespace, ...args], { encoding: 'utf8' }).stdout

  const nft = (text: string): string => {
    const result = spawnSync('nft', ['-f', '-'], { input: text, encoding: 'utf8' })
    assert.equal(result.status, 0, result.stderr)
    return result.stdout
  }

  before(async () => {
    ;({ nodes, gateway } = await createNodeNamespaces(options))
    for (const [index, pod] of pods.entries()) {
      // What the CNI plugins do for a pod, by hand: a bridge with the gateway, and a pair of interfaces.
      const node = nodes[index]!.name
      const lines = [
        ['netns', 'add', pod.namespace],
        ['-n', node, 'link', 'add', 'keelson0', 'type', 'bridge'],
        ['-n', node, 'address', 'add', `${pod.gateway}/24`, 'dev', 'keelson0'],
        ['-n', node, 'link', 'set', 'keelson0', 'up'],
        ['-n', node, 'link', 'add', 'vethpod', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod.namespace],
        ['-n', node, 'link', 'set', 'vethpod', 'master', 'keelson0', 'up'],
        ['-n', pod.namespace, 'address', 'add', `${pod.address}/24`, 'dev', 'eth0'],
        ['-n', pod.namespace, 'link', 'set', 'eth0', 'up'],
        ['-n', pod.namespace, 'route', 'add', 'default', 'via', pod.gateway],
      ]
      for (const line of lines) {
        const result = spawnSync('ip', line, { encoding: 'utf8' })
        assert.equal(result.status, 0, `ip ${line.join(' ')}: ${result.stderr}`)
      }
    }
  })
  after(async () => {
    for (const pod of pods) spawnSync('ip', ['netns', 'delete', pod.namespace])
    await deleteNodeNamespaces({ prefix })
    rmSync(directoryOfNodes, { recursive: true, force: true })
    const left = spawnSync('sh', ['-c', 'ip netns list; ip -o link; nft list tables'], { encoding: 'utf8' }).stdout
    assert.ok(!left.includes(`${prefix}-`), left)
  })

  test('direct routes carry pods between nodes', async () => {
    await applyAll('auto')
    assert.ok(pings(pods[0]!.namespace, pods[1]!.address))
    assert.match(show(nodes[0]!.name, 'route'), new RegExp(`10\\.244\\.1\\.0/24 via ${nodes[1]!.address}`))
    assert.equal(show(nodes[0]!.name, 'link', 'show', 'keelson-vx'), '')
  })

  test('VXLAN carries them as well, and switching back removes it', async () => {
    await applyAll('vxlan')
    assert.ok(pings(pods[0]!.namespace, pods[1]!.address))
    assert.ok(pings(nodes[1]!.name, pods[0]!.address), 'from the other node itself')
    await applyAll('auto')
    assert.equal(show(nodes[0]!.name, 'link', 'show', 'keelson-vx'), '')
    assert.ok(pings(pods[1]!.namespace, pods[0]!.address))
  })

  test('pods reach the machine with their node as the sender', () => {
    assert.ok(pings(pods[0]!.namespace, gateway))
  })

  test('no packet for an address of the cluster leaves a node by its way out', async () => {
    await applyAll('auto')
    const nowhere = ['10.244.99.1', '10.96.0.1', '10.111.255.254']
    // The machine's end of the wire counts what arrives there.
    const table = `${prefix}-watch`
    const rule = `iifname "kn-${prefix}" ip daddr { ${nowhere.join(', ')}, ${gateway} } counter`
    nft(`table ip ${table} {\n chain wire {\n type filter hook prerouting priority raw;\n ${rule}\n }\n}\n`)
    try {
      for (const address of nowhere) for (const from of [pods[0]!.namespace, nodes[0]!.name]) assert.ok(!pings(from, address))
      assert.match(nft(`list table ip ${table}\n`), /counter packets 0 /)
      assert.ok(pings(nodes[0]!.name, gateway))
      assert.match(nft(`list table ip ${table}\n`), /counter packets 1 /, 'the counter counts')
    } finally {
      nft(`delete table ip ${table}\n`)
    }
  })

  test('a cluster of the machine itself beside it disturbs nothing', async () => {
    const directory = join(directoryOfNodes, 'machine')
    const machine = createPodNetwork({
      ...{ self: 'machine', clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12', mode: 'auto' },
      ...{ cniConfigDirectory: directory, addressDirectory: join(directory, 'addresses'), log: silentLog },
    })
    await machine.apply([{ name: 'machine', address: gateway, podCidr: '10.244.9.0/24' }])
    assert.ok(pings(pods[0]!.namespace, pods[1]!.address))
    await machine.remove()
  })

  test('a node that goes takes its route along; removing leaves nothing', async () => {
    await agent(nodes[0]!, 'apply', 'auto', networkNodes().slice(0, 1))
    assert.doesNotMatch(show(nodes[0]!.name, 'route'), /10\.244\.1\.0/)
    assert.ok(!pings(pods[0]!.namespace, pods[1]!.address))
    for (const node of nodes) await agent(node, 'remove', 'auto', [])
    for (const node of nodes) await agent(node, 'remove', 'auto', [])
    assert.doesNotMatch(show(nodes[0]!.name, 'route', 'show', 'table', 'all'), /proto 107|10\.244/)
    assert.equal(spawnSync('nsenter', [`--net=${nodes[0]!.path}`, 'nft', 'list', 'tables'], { encoding: 'utf8' }).stdout, '')
  })
}
