import type { IncomingMessage } from 'node:http'
import { type Agent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { connectionErrorText } from '../../machinery/connection-error.ts'
import { type Status, StatusError } from '../../machinery/status-error.ts'
import { services } from '../../kinds/core/service.ts'
import type { WebhookClientConfig } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { ClientMetrics } from '../../client/client-metrics.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { agentThrough, type PodWay } from './pod-tunnel.ts'
import { serviceEndpoint } from './service-endpoint.ts'

/** Where and how a webhook is reached (`clientConfig` of conversions and admission webhooks). */
export type WebhookTarget = WebhookClientConfig

export type WebhookClient = {
  /**
   * POSTs a review and gives the answer's JSON. Rejects with what went wrong, in Go's words where clients show them; the
   * webhook's own refusal of the call is a StatusError. `signal`: aborts when nobody waits for it any more.
   */
  post(target: WebhookTarget, review: object, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<unknown>
  /** Ends idle connections. */
  close(): void
}

/** A bound on what a webhook may answer. */
const answerBytesMax = 32 * 1024 * 1024
const idleMs = 30_000
const socketsMax = 64

/**
 * Calls webhooks by URL or service. A service is reached at one of its ready endpoints, under its name for TLS
 * (`NAME.NAMESPACE.svc`); the certificate is checked against `caBundle`, or the system's authorities where there is none.
 * Connections are kept for the next call: most webhooks are asked again soon.
 */
export function createWebhookClient({
  reader,
  clock,
  random,
  way,
  metrics,
}: {
  readonly reader: () => ObjectReader
  readonly clock: Clock
  readonly random: Random
  readonly way: PodWay
  readonly metrics?: ClientMetrics | undefined
}): WebhookClient {
  let agent: Agent | undefined
  return {
    post: async (target, review, { timeoutMs, signal }) => {
      const address = addressOf({ reader: reader(), random }, target)
      const query = `timeout=${timeoutMs / 1000}s`
      agent ??= agentThrough({ keepAlive: true, maxSockets: socketsMax, maxFreeSockets: 2, timeout: idleMs }, way)
      const send = (): Promise<unknown> =>
        exchange({ agent: agent!, address, target, query, body: JSON.stringify(review), clock, metrics, timeoutMs, signal })
      try {
        return await send().catch((error: unknown) => {
          // The webhook may close a kept connection just as it is used again.
          if (error instanceof StaleConnection) return send()
          throw error
        })
      } catch (error) {
        if (error instanceof StatusError || error instanceof UnreadableAnswer) throw error
        throw new Error(`Post ${JSON.stringify(`${address.url.href}?${query}`)}: ${connectionErrorText(error)}`, {
          cause: error,
        })
      }
    },
    close: () => agent?.destroy(),
  }
}

/** What came back is none; its text says so in Go's words. */
class UnreadableAnswer extends Error {
  override name = 'UnreadableAnswer'
}

class StaleConnection extends Error {
  override name = 'StaleConnection'
}

type Exchange = {
  readonly agent: Agent
  readonly address: Address
  readonly target: WebhookTarget
  readonly query: string
  readonly body: string
  readonly clock: Clock
  readonly metrics: ClientMetrics | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

function exchange({ agent, address, target, query, body, clock, metrics, timeoutMs, signal }: Exchange): Promise<unknown> {
  const { url, host, port, servername } = address
  const ca = target.caBundle ? Buffer.from(target.caBundle, 'base64') : undefined
  return new Promise((resolve, reject) => {
    const sent = httpsRequest({
      agent,
      host,
      port,
      path: `${url.pathname}${url.search}${url.search === '' ? '?' : '&'}${query}`,
      method: 'POST',
      ...(isIP(servername) ? {} : { servername }),
      ...(ca ? { ca } : {}),
      headers: {
        host: url.host,
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    })
    let hasAnswered = false
    const counted = metrics?.begin({ clock, method: 'POST', host: address.name, sentBytes: Buffer.byteLength(body) })
    const giveUp = (why: string) => sent.destroy(new Error(why))
    const due = clock.schedule(timeoutMs, () => giveUp('context deadline exceeded'))
    const leave = () => giveUp(signal?.reason instanceof StatusError ? 'context deadline exceeded' : 'context canceled')
    const cancel = () => {
      due()
      signal?.removeEventListener('abort', leave)
    }
    if (signal?.aborted) leave()
    else signal?.addEventListener('abort', leave, { once: true })
    const fail = (error: Error) => {
      cancel()
      counted?.ended(undefined)
      // Once an answer has begun the webhook has seen the review.
      const isStale = !hasAnswered && sent.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET'
      reject(isStale ? new StaleConnection(error.message, { cause: error }) : error)
    }
    sent.once('error', fail)
    sent.once('response', (response) => {
      hasAnswered = true
      counted?.answered(response.statusCode ?? 0)
      readBody(response)
        .then((text) => {
          counted?.ended(Buffer.byteLength(text))
          return answerOf(response.statusCode ?? 0, text, response.headers['content-type'])
        })
        .then((answer) => {
          cancel()
          resolve(answer)
        }, fail)
    })
    sent.end(body)
  })
}

async function readBody(response: IncomingMessage): Promise<string> {
  const blocks: Buffer[] = []
  let length = 0
  for await (const block of response) {
    length += (block as Buffer).length
    if (length > answerBytesMax) throw new Error('the answer is too large')
    blocks.push(block as Buffer)
  }
  return Buffer.concat(blocks).toString()
}

function answerOf(code: number, text: string, contentType = ''): unknown {
  if (code < 200 || code > 299) throw refusedCall(code, text, contentType)
  if (text === '') throw new UnreadableAnswer(`0-length response with status code: ${code} and content type: application/json`)
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    // Upstream reads YAML, to which a word is a string.
    answer = text
  }
  // To upstream a null is an object that says nothing.
  if (answer === null) return {}
  if (typeof answer === 'object' && !Array.isArray(answer)) return answer
  const found = Array.isArray(answer) ? 'array' : typeof answer === 'boolean' ? 'bool' : typeof answer
  throw new UnreadableAnswer(
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
  )
}

const failures: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
}

function statusIn(text: string): Status | undefined {
  try {
    const status = JSON.parse(text) as Partial<Status> | null
    return status?.kind === 'Status' && status.apiVersion === 'v1' && status.status === 'Failure' ? (status as Status) : undefined
  } catch {
    return undefined
  }
}

/** What a Kubernetes client makes of a failure. What is no text is not shown. */
function refusedCall(code: number, text: string, contentType: string): StatusError {
  const told = statusIn(text)
  if (told) return new StatusError({ ...told, code, reason: told.reason ?? '', message: told.message ?? '' })
  const shown = contentType === '' || contentType.startsWith('text/') ? text.slice(0, 2048).trim() : 'unknown'
  const message =
    failures[code] ??
    (code >= 500
      ? `an error on the server (${JSON.stringify(shown)}) has prevented the request from succeeding`
      : code === 403 || code === 406 || code === 415
        ? shown
        : `the server responded with the status code ${code} but did not return more information`)
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: '', code })
}

/** `name`: of the host that is meant, which is not always the one that is asked. */
type Address = { readonly name: string; readonly url: URL; readonly host: string; readonly port: number; readonly servername: string }

type Finding = { readonly reader: ObjectReader; readonly random: Random }

function addressOf({ reader, random }: Finding, { url: text, service }: WebhookTarget): Address {
  if (!service) {
    const url = new URL(text ?? '')
    const host = url.hostname.replace(/^\[|\]$/g, '')
    return { name: url.host, url, host, port: Number(url.port || 443), servername: host }
  }
  const { name, namespace, path = '/', port = 443 } = service
  const servername = `${name}.${namespace}.svc`
  const shown = `${servername}:${port}`
  const url = new URL(`https://${servername}:${port}${path.startsWith('/') ? path : `/${path}`}`)
  const { type, externalName } = reader.get(services, namespace, name)?.spec ?? {}
  if (type === 'ExternalName' && externalName) return { name: shown, url, host: externalName, port, servername }
  return { name: shown, url, ...serviceEndpoint({ reader, random }, { namespace, name, port: String(port) }), servername }
}
