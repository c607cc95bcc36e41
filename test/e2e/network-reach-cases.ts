import assert from 'node:assert/strict'
import { issueCertificate, newAuthority } from '../../src/platform/pki/certificate.ts'
import {
  eventually,
  container,
  environment,
  namesake,
  httpPort,
  type NetworkCase,
  type NetworkWorld,
  servers,
  udpPort,
} from './network-world.ts'

const span = { notBeforeMs: Date.parse('2020-01-01T00:00:00Z'), notAfterMs: Date.parse('2100-01-01T00:00:00Z') }
const kubectl = async (world: NetworkWorld, args: readonly string[], object?: object) =>
  (await world.cluster.kubectl(args, object ? { input: JSON.stringify(object) } : {})).stdout
const addressOf = async (world: NetworkWorld, pod: string) => (await world.pods().get(pod)).status!.podIP!

/** Each server is reached at its own address from each of the callers. */
const reach = (from: readonly string[], protocol: 'http' | 'udp') => async (world: NetworkWorld) => {
  for (const caller of from)
    for (const server of servers) {
      const call = { host: await addressOf(world, server), port: protocol === 'udp' ? udpPort : httpPort, protocol }
      await world.untilServedBy(caller, call, [server])
    }
}

/** A controller of pods that say their names, through the API server's proxy. */
const eachReplica = (kind: 'ReplicaSet' | 'ReplicationController') => async (world: NetworkWorld) => {
  const name = kind.toLowerCase()
  const labels = { of: name }
  const isSet = kind === 'ReplicaSet'
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [namesake(httpPort)] } }
  const spec = { replicas: 2, selector: isSet ? { matchLabels: labels } : labels, template }
  await kubectl(world, ['create', '-f', '-'], { apiVersion: isSet ? 'apps/v1' : 'v1', kind, metadata: { name }, spec })
  const pods = await eventually(`two pods of the ${kind}`, async () => {
    const { items } = await world.pods().list({ labelSelector: `of=${name}` })
    return items.length === 2 && items
  })
  for (const { metadata } of pods) {
    await world.untilReady(metadata.name!)
    assert.equal(await world.ask(metadata.name!, '/hostname'), metadata.name)
  }
}

/** Pods that share a port of one node by another address or protocol. */
async function sharedHostPort(world: NetworkWorld): Promise<void> {
  const [{ name: nodeName, address }] = world.nodes as [(typeof world.nodes)[number]]
  const port = 54_323
  const pod = (name: string, hostIP: string, protocol: 'TCP' | 'UDP') =>
    world.createPod(name, {
      nodeName,
      containers: [
        protocol === 'TCP'
          ? { ...namesake(httpPort), ports: [{ hostPort: port, hostIP, protocol, containerPort: httpPort }] }
          : { ...container, ports: [{ hostPort: port, hostIP, protocol, containerPort: udpPort }] },
      ],
    })
  await Promise.all([pod('shared-1', '127.0.0.1', 'TCP'), pod('shared-2', address, 'TCP'), pod('shared-3', address, 'UDP')])
  await Promise.all(['shared-1', 'shared-2', 'shared-3'].map((name) => world.untilReady(name)))
  await world.untilServedBy('host-1', { host: '127.0.0.1', port }, ['shared-1'])
  // As `curl --interface` does: from the node's address to its loopback.
  await world.untilServedBy('host-1', { host: '127.0.0.1', port, from: address }, ['shared-1'])
  for (const from of ['host-1', 'host-2', 'pod-1', 'pod-2']) {
    await world.untilServedBy(from, { host: address, port }, ['shared-2'])
    await world.untilServedBy(from, { host: address, port, protocol: 'udp' }, ['shared-3'])
  }
}

/** One pod that serves several ports, plain and with TLS, and the paths that lead to it. */
async function portsThroughProxy(world: NetworkWorld): Promise<void> {
  const authority = newAuthority({ commonName: 'porter', ...span })
  const { cert, key } = issueCertificate(authority, { subject: { commonName: 'porter' }, hosts: ['porter'], usages: ['server'], ...span })
  const env = environment({ HTTP_PORTS: '80,160,8080', TLS_PORTS: '443,460', TLS_CERT: cert, TLS_KEY: key })
  const ports = [{ containerPort: 80 }, { name: 'dest1', containerPort: 160 }, { name: 'tlsdest1', containerPort: 460 }]
  await world.createPod('porter', { containers: [{ ...container, env, ports }] }, { labels: { app: 'porter' } })
  await world.createService('porter', {
    selector: { app: 'porter' },
    ports: [
      { name: 'plain', port: 80, targetPort: 'dest1' },
      { name: 'tls', port: 443, targetPort: 'tlsdest1' },
    ],
  })
  await world.untilReady('porter')
  const paths = [
    'pods/porter',
    'pods/porter:160',
    'pods/http:porter:8080',
    'pods/https:porter:443',
    'services/porter:plain',
    'services/porter:80',
  ]
  for (const path of [...paths, 'services/https:porter:tls', 'services/https:porter:443']) {
    await eventually(`${path} answers`, async () => (await world.proxied(`${path}/proxy/hostname`)).text === 'porter')
    const { text } = await world.proxied(`${path}/proxy/page`)
    assert.equal(text, `<a href="/api/v1/namespaces/default/${path}/proxy/rewriteme">test</a>`)
  }
}

const verbs = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']
const proxyWith = (name: string, path: string) => async (world: NetworkWorld) => {
  await world.createService(name, { selector: { app: 'server' }, ports: [{ port: 80, targetPort: httpPort }] })
  for (const at of [`pods/server-3:${httpPort}`, `services/${name}`]) {
    await eventually(`${at} answers`, async () => (await world.proxied(`${at}/proxy/hostname`)).code === 200)
    for (const verb of verbs) {
      const { code, headers, text } = await world.proxied(`${at}/proxy${path}?method=${verb}`, verb)
      const isRead = verb === 'GET' || verb === 'HEAD'
      if (path === '' && isRead) {
        assert.deepEqual([code, headers.location], [301, `/api/v1/namespaces/default/${at}/proxy/?method=${verb}`])
        continue
      }
      assert.equal(code, 200, `${verb} ${at}: ${text}`)
      if (verb !== 'HEAD') assert.deepEqual(JSON.parse(text), { method: verb, path: `${path || '/'}?method=${verb}` })
    }
  }
}

const updateDemo = async (world: NetworkWorld, name: string, isScaled: boolean) => {
  const spec = {
    replicas: 2,
    selector: { demo: name },
    template: { metadata: { labels: { demo: name } }, spec: { terminationGracePeriodSeconds: 0, containers: [namesake(httpPort)] } },
  }
  await kubectl(world, ['create', '-f', '-'], { apiVersion: 'v1', kind: 'ReplicationController', metadata: { name }, spec })
  const untilRunning = (count: number) =>
    eventually(`${count} pods of ${name} answer`, async () => {
      const names = (
        await kubectl(world, [
          'get',
          'pods',
          '-l',
          `demo=${name}`,
          '-o',
          'template',
          '--template={{range.items}}{{.metadata.name}} {{end}}',
        ])
      )
        .split(' ')
        .filter(Boolean)
      if (names.length !== count) return false
      for (const pod of names) assert.equal(await world.ask(pod, '/hostname'), pod)
      return true
    })
  await untilRunning(2)
  for (const replicas of isScaled ? [1, 2] : []) {
    await kubectl(world, ['scale', 'rc', name, `--replicas=${replicas}`, '--timeout=5m'])
    await untilRunning(replicas)
  }
  await kubectl(world, ['delete', 'rc', name, '--grace-period=0', '--force'])
  await eventually('none is left', async () => (await world.pods().list({ labelSelector: `demo=${name}` })).items.length === 0)
}

async function guestbook(world: NetworkWorld): Promise<void> {
  const deployment = (name: string, variables: Readonly<Record<string, string>>) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: { guestbook: name } },
      template: { metadata: { labels: { guestbook: name } }, spec: { containers: [{ ...container, env: environment(variables) }] } },
    },
  })
  const service = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { guestbook: name }, ports: [{ port: 80, targetPort: httpPort }] },
  })
  const items = [service('entries'), service('guestbook'), deployment('entries', {}), deployment('guestbook', { BACKEND: 'entries' })]
  const list = { apiVersion: 'v1', kind: 'List', items }
  await kubectl(world, ['create', '-f', '-'], list)
  const ask = async (query: string) => (await world.proxied(`services/guestbook/proxy/guestbook?${query}`)).text
  await eventually('the guestbook is empty', async () => (await ask('key=messages')) === '{"data":""}')
  await ask('key=messages&set=TestEntry')
  assert.equal(await ask('key=messages'), '{"data":"TestEntry"}')
  await kubectl(world, ['delete', '--grace-period=0', '--force', '-f', '-'], list)
  await eventually('nothing is left', async () => (await world.pods().list({ labelSelector: 'guestbook' })).items.length === 0)
}

async function expose(world: NetworkWorld): Promise<void> {
  const labels = { exposed: 'yes' }
  const template = {
    metadata: { labels },
    spec: { terminationGracePeriodSeconds: 0, containers: [namesake(httpPort)] },
  }
  await kubectl(world, ['create', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'exposed' },
    spec: { replicas: 1, selector: labels, template },
  })
  await kubectl(world, ['expose', 'rc', 'exposed', '--name=rm2', '--port=1234', `--target-port=${httpPort}`])
  await kubectl(world, ['expose', 'service', 'rm2', '--name=rm3', '--port=2345', `--target-port=${httpPort}`])
  const [pod] = await eventually('the pod', async () => {
    const { items } = await world.pods().list({ labelSelector: 'exposed' })
    return items.length === 1 && items
  })
  for (const [host, port] of [
    ['rm2', 1234],
    ['rm3', 2345],
  ] as const)
    await world.untilServedBy('pod-1', { host, port }, [pod!.metadata.name!])
}

export const reachCases: readonly NetworkCase[] = [
  { title: 'Networking Granular Checks: Pods should function for intra-pod communication: http', run: reach(['pod-1', 'pod-2'], 'http') },
  { title: 'Networking Granular Checks: Pods should function for intra-pod communication: udp', run: reach(['pod-1', 'pod-2'], 'udp') },
  { title: 'Networking Granular Checks: Pods should function for node-pod communication: http', run: reach(['host-1', 'host-2'], 'http') },
  { title: 'Networking Granular Checks: Pods should function for node-pod communication: udp', run: reach(['host-1', 'host-2'], 'udp') },
  {
    title: 'HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol',
    run: sharedHostPort,
  },
  { title: 'Proxy version v1 should proxy through a service and a pod', run: portsThroughProxy },
  { title: 'Proxy version v1 A set of valid responses are returned for both pod and service Proxy', run: proxyWith('proxied', '') },
  {
    title: 'Proxy version v1 A set of valid responses are returned for both pod and service ProxyWithPath',
    run: proxyWith('proxied-path', '/some/path/with'),
  },
  {
    title: 'a WebSocket is opened through the proxy of a pod and of a service',
    run: async (world) => {
      await world.createService('echo', { selector: { app: 'server' }, ports: [{ port: 80, targetPort: httpPort }] })
      await eventually('the service answers', async () => (await world.proxied('services/echo/proxy/hostname')).code === 200)
      for (const at of [`pods/server-1:${httpPort}`, 'services/echo']) {
        const socket = await world.client.openWebSocket({ path: `/api/v1/namespaces/default/${at}/proxy/echo`, protocols: ['echo'] })
        await socket.send(Buffer.from('hello'))
        for await (const message of socket.messages) {
          assert.equal(Buffer.from(message).toString(), 'hello')
          break
        }
        socket.close()
      }
    },
  },
  {
    title: 'ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer',
    run: async (world) => assert.deepEqual(JSON.parse(await world.ask('pod-2', '/issuer')), { isSigned: true, isIssuer: true }),
  },
  { title: 'ReplicaSet should serve a basic image on each replica with a public image', run: eachReplica('ReplicaSet') },
  {
    title: 'ReplicationController should serve a basic image on each replica with a public image',
    run: eachReplica('ReplicationController'),
  },
  {
    title: 'Kubectl client Update Demo should create and stop a replication controller',
    run: (world) => updateDemo(world, 'update-demo', false),
  },
  { title: 'Kubectl client Update Demo should scale a replication controller', run: (world) => updateDemo(world, 'scale-demo', true) },
  { title: 'Kubectl client Guestbook application should create and stop a working application', run: guestbook },
  { title: 'Kubectl client Kubectl expose should create services for rc', run: expose },
]
