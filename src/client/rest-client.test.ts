import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { WebSocketServer } from 'ws'
import { isStatus, StatusError, statusErrors } from '../machinery/status-error.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createClientset } from './clientset.ts'
import type { RawRequest, RawResponse } from './contract.ts'
import { createHttpClient } from './http-client.ts'
import { createRestClient } from './rest-client.ts'

type Answer = { code: number; body?: unknown; headers?: Record<string, string> } | Error

/** A clientset whose transport gives the answers in turn, and what it was asked. */
function scripted(answers: readonly Answer[]) {
  const asked: { line: string; body: unknown; type: string | undefined }[] = []
  let next = 0
  const transport = (request: RawRequest): Promise<RawResponse> => {
    asked.push({
      line: `${request.method} ${request.path}`,
      body: request.body === undefined ? undefined : JSON.parse(String(request.body)),
      type: request.headers?.['content-type'],
    })
    const answer = answers[Math.min(next++, answers.length - 1)]!
    if (answer instanceof Error) return Promise.reject(answer)
    return Promise.resolve({ code: answer.code, headers: answer.headers ?? {}, body: bytes(JSON.stringify(answer.body ?? {})) })
  }
  const clock = virtualClock()
  return { asked, clock, clientset: createClientset(createRestClient({ transport, clock })) }
}

async function* bytes(text: string) {
  await Promise.resolve()
  yield new TextEncoder().encode(text)
}

type Set = ReturnType<typeof scripted>['clientset']
const pod = { metadata: { name: 'p' } }

const calls: [string, (set: Set) => Promise<unknown>, { line: string; body?: unknown; type?: string }][] = [
  [
    'create',
    (s) => s.coreV1().pods('a').create(pod),
    { line: 'POST /api/v1/namespaces/a/pods', body: { apiVersion: 'v1', kind: 'Pod', ...pod } },
  ],
  [
    'list with selectors',
    (s) => s.appsV1().deployments().list({ labelSelector: 'a=b', limit: 5 }),
    { line: 'GET /apis/apps/v1/deployments?labelSelector=a%3Db&limit=5' },
  ],
  [
    'status',
    (s) =>
      s
        .coreV1()
        .nodes()
        .updateStatus({ metadata: { name: 'n' } }),
    { line: 'PUT /api/v1/nodes/n/status' },
  ],
  [
    'json patch',
    (s) => s.coreV1().pods('a').patch('p', { type: 'json', body: [] }),
    { line: 'PATCH /api/v1/namespaces/a/pods/p', body: [], type: 'application/json-patch+json' },
  ],
  [
    'apply',
    (s) =>
      s
        .coreV1()
        .configMaps('a')
        .apply({ metadata: { name: 'c' } }, { fieldManager: 'm', force: true }),
    { line: 'PATCH /api/v1/namespaces/a/configmaps/c?fieldManager=m&force=true', type: 'application/apply-patch+yaml' },
  ],
  [
    'delete',
    (s) =>
      s
        .coreV1()
        .pods('a')
        .delete('p', { gracePeriodSeconds: 0, preconditions: { uid: 'u' } }),
    {
      line: 'DELETE /api/v1/namespaces/a/pods/p',
      body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, preconditions: { uid: 'u' } },
    },
  ],
  [
    'stop',
    (s) => s.coreV1().pods('a').stop('p', { gracePeriodSeconds: 3 }),
    { line: 'POST /api/v1/namespaces/a/pods/p/stop', body: { apiVersion: 'keelson.dev/v1', kind: 'RunAction', gracePeriodSeconds: 3 } },
  ],
  ['explain', (s) => s.coreV1().pods('a').explain('p'), { line: 'GET /api/v1/namespaces/a/pods/p/explain' }],
  [
    'scale',
    (s) => s.appsV1().deployments('a').scale('d', 3),
    { line: 'PATCH /apis/apps/v1/namespaces/a/deployments/d/scale', body: { spec: { replicas: 3 } } },
  ],
]

for (const [name, call, expected] of calls)
  test(`${name} is the request that Kubernetes expects`, async () => {
    const { asked, clientset } = scripted([{ code: 200 }])
    await call(clientset)
    for (const [field, value] of Object.entries(expected)) assert.deepEqual(asked[0]?.[field as 'line'], value)
  })

const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
const busy = { code: 429, headers: { 'retry-after': '2' }, body: statusErrors.tooManyRequests('busy', 2).status }
const retries: [string, readonly Answer[], 'get' | 'create', number, string | undefined][] = [
  ['repeats what is too much now', [busy, busy, { code: 200 }], 'create', 3, undefined],
  ['gives up on a server that stays busy', [busy], 'create', 11, 'TooManyRequests'],
  ['does not repeat a 503 without Retry-After', [{ code: 503 }], 'get', 1, 'ServiceUnavailable'],
  ['repeats a read whose connection broke', [reset, { code: 200 }], 'get', 2, undefined],
  ['never repeats a write whose connection broke', [reset, { code: 200 }], 'create', 1, 'ServiceUnavailable'],
  ['maps a Status', [{ code: 404, body: statusErrors.notFound({ group: '', resource: 'pods' }, 'p').status }], 'get', 1, 'NotFound'],
  ['maps a bare code', [{ code: 403, body: 'a proxy said no' }], 'get', 1, 'Forbidden'],
]

for (const [name, answers, verb, requests, reason] of retries)
  test(name, async () => {
    const { asked, clock, clientset } = scripted(answers)
    const pods = clientset.coreV1().pods('a')
    let outcome: string | undefined = 'pending'
    const done = (verb === 'get' ? pods.get('p') : pods.create(pod)).then(
      () => (outcome = undefined),
      (error: unknown) => (outcome = error instanceof StatusError ? error.reason : String(error)),
    )
    assert.equal(await clock.runUntil(() => outcome !== 'pending', 60_000), true)
    await done
    assert.equal(outcome, reason)
    assert.equal(asked.length, requests)
  })

test('over real sockets: a request, a watch and its end, exec with standard input', async (t) => {
  const server = createServer((request, response) => {
    if (request.headers.authorization !== 'Bearer secret') return void response.writeHead(401).end()
    if (!request.url?.includes('watch=true')) return void response.end(JSON.stringify(pod))
    response.write('{"type":"ADDED","object":{"metadata":{"name":"é')
    response.write('"}}}\n{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}\n')
    response.end()
  })
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'v5.channel.k8s.io' })
  sockets.on('connection', (socket) => {
    let input = ''
    socket.on('message', (message: Buffer) => {
      if (message[0] === 0) input += message.subarray(1).toString()
      else if (message[0] === 255) {
        socket.send(Buffer.from(`\u0001${input.toUpperCase()}`))
        const causes = [{ reason: 'ExitCode', message: '3' }]
        socket.send(Buffer.from(`\u0003${JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes } })}`))
        socket.close()
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = createHttpClient({ server: `http://127.0.0.1:${port}`, token: 'secret' })
  t.after(() => {
    client.close()
    sockets.close()
    server.close()
  })
  const pods = createClientset(client).coreV1().pods('a')
  assert.equal((await pods.get('p')).metadata.name, 'p')
  const events = []
  for await (const event of pods.watch({ signal: t.signal }))
    events.push(event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.name)
  assert.deepEqual(events, ['é', '7'])
  const result = await pods.exec('p', { command: ['tr'], stdin: [new TextEncoder().encode('hello')] })
  assert.deepEqual(result, { exitCode: 3, stdout: 'HELLO', stderr: '' })
  const stranger = createHttpClient({ server: `http://127.0.0.1:${port}` })
  await assert.rejects(createClientset(stranger).coreV1().pods('a').get('p'), (error) => isStatus(error, 'Unauthorized'))
  stranger.close()
})

test('an object of a kind with namespaces is not asked for without one, and it is said how', async () => {
  const { asked, clientset } = scripted([{ code: 200 }])
  const pods = clientset.coreV1().pods()
  const isTold = (error: unknown) =>
    isStatus(error, 'BadRequest') && error.message === "a Pod is in a namespace: name it with the kind, as in pods('default')"
  await assert.rejects(pods.get('p'), isTold)
  await assert.rejects(pods.create(pod), isTold)
  await assert.rejects(pods.logs('p')[Symbol.asyncIterator]().next(), isTold)
  await assert.rejects(pods.portForward('p', 80), isTold)
  assert.deepEqual(asked, [])
})

test('every call ends with its signal', async () => {
  const { clientset } = scripted([{ code: 200 }])
  const signal = AbortSignal.abort(new Error('enough'))
  const pods = clientset.coreV1().pods('a')
  const deployments = clientset.appsV1().deployments('a')
  for (const call of [
    () => pods.get('p', { signal }),
    () => pods.evict('p', { signal }),
    () => pods.bind('p', { target: { name: 'n' } }, { signal }),
    () => pods.stop('p', { signal }),
    () => deployments.scale('d', 2, { signal }),
    () => deployments.getScale('d', { signal }),
    () =>
      clientset
        .coreV1()
        .serviceAccounts('a')
        .createToken('s', { metadata: {}, spec: { audiences: [] } }, { signal }),
  ])
    await assert.rejects(call, /enough/)
})
