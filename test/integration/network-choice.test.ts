/** A cluster's addresses: chosen at its first start, the same ever after, told to its nodes. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { X509Certificate } from 'node:crypto'
import { eventually, freePort, keelson, type ServerProcess, startServerProcess } from './server-process.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'keelson-network-'))
let server: ServerProcess | undefined
after(async () => {
  await server?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const start = async (...args: string[]) => startServerProcess({ dataDir, port: await freePort(), args: ['--runtime', 'fake', ...args] })
/** Names beyond the machine's own. */
const more = ['--tls-san', 'api.lab.example,192.0.2.7']
const chosen = ['--cluster-cidr', '172.20.0.0/16', '--service-cluster-ip-range', '172.21.0.0/16', '--cluster-domain', 'lab.example']

async function shown(url: string): Promise<X509Certificate> {
  const { hostname, port } = new URL(url)
  return new Promise((done, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      done(socket.getPeerX509Certificate()!)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

async function checkAddresses({ clientset, url }: ServerProcess): Promise<void> {
  const core = clientset.coreV1()
  const address = async (namespace: string, name: string) =>
    eventually(`service ${name}`, async () => (await core.services(namespace).get(name)).spec?.clusterIP)
  assert.equal(await address('default', 'kubernetes'), '172.21.0.1')
  assert.equal(await address('kube-system', 'kube-dns'), '172.21.0.10')
  const range = await eventually('a pod range', async () => (await core.nodes().get('node-1')).spec?.podCIDR)
  assert.match(range, /^172\.20\.\d+\.0\/24$/)
  const told = await eventually('the network', async () => core.configMaps('kube-system').get('cluster-network'))
  assert.deepEqual(told.data, {
    'cluster-cidr': '172.20.0.0/16',
    'service-cluster-ip-range': '172.21.0.0/16',
    'cluster-domain': 'lab.example',
    'cluster-dns': '172.21.0.10',
  })
  const certificate = await shown(url)
  assert.ok(certificate.checkIP('172.21.0.1'))
  assert.ok(certificate.checkHost('kubernetes.default.svc.lab.example'))
}

test('a new cluster gets the network that was chosen', async () => {
  server = await start(...chosen, ...more)
  await checkAddresses(server)
  const certificate = await shown(server.url)
  assert.ok(certificate.checkIP('192.0.2.7') && certificate.checkHost('api.lab.example'))
  const made = await server.clientset
    .coreV1()
    .services('default')
    .create({ metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } })
  assert.match(made.spec?.clusterIP ?? '', /^172\.21\./)
})

test('nodes may read it, and nothing else of its namespace', async () => {
  const can = (name: string) =>
    server!.clientset
      .authorizationV1()
      .subjectAccessReviews()
      .create({
        metadata: {},
        spec: {
          user: 'system:node:node-9',
          groups: ['system:nodes'],
          resourceAttributes: { verb: 'get', resource: 'configmaps', namespace: 'kube-system', name },
        },
      })
  assert.equal((await can('cluster-network')).status?.allowed, true)
  assert.equal((await can('other')).status?.allowed, false)
})

test('it stays without the flags, and with the data directory lost but for its keys and its store', async () => {
  await server!.stop()
  rmSync(join(dataDir, 'network.json'))
  server = await start()
  await checkAddresses(server)
  assert.match(readFileSync(join(dataDir, 'network.json'), 'utf8'), /172\.20\.0\.0\/16/)
})

test('another one is refused', async () => {
  await server!.stop()
  const args = ['server', '--data-dir', dataDir, '--runtime', 'fake', '--listen', '127.0.0.1:0']
  const { code, stderr } = await keelson([...args, '--cluster-cidr', '172.22.0.0/16'])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /^keelson: error: --cluster-cidr 172\.22\.0\.0\/16: this cluster has 172\.20\.0\.0\/16, and its addresses never change/m,
  )
  const unnamed = await keelson([...args, '--tls-san', 'Not A Name'])
  assert.equal(unnamed.code, 2)
  assert.match(unnamed.stderr, /cannot use --tls-san: Not A Name is neither a name nor an address/)
  const overlapping = await keelson([...args, '--cluster-cidr', '10.0.0.0/8'])
  assert.equal(overlapping.code, 2)
  assert.match(overlapping.stderr, /overlap/)
})
