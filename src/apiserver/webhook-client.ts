import { request as httpsRequest } from 'node:https'
import { statusErrors } from '../machinery/status-error.ts'
import { services } from '../kinds/core/service.ts'
import { endpointSlices } from '../kinds/discovery/endpoint-slice.ts'
import type { WebhookClientConfig } from '../kinds/generated/types/apiextensions-v1.ts'
import type { ObjectReader } from './object-reader.ts'

/** Where and how a webhook is reached (`clientConfig` of conversions and admission webhooks). */
export type WebhookTarget = WebhookClientConfig

export type WebhookClient = {
  /** POSTs a review and gives the answer's JSON. Rejects with what went wrong, in Go's words where clients show them. */
  post(target: WebhookTarget, review: object, options: { readonly timeoutMs: number }): Promise<unknown>
}

/** A bound on what a webhook may answer. */
const answerBytesMax = 32 * 1024 * 1024

/**
 * Calls webhooks by URL or service. A service is reached at one of its ready endpoints, under its name for TLS
 * (`NAME.NAMESPACE.svc`); the certificate is checked against `caBundle`, or the system's authorities where there is none.
 */
export function createWebhookClient(reader: () => ObjectReader): WebhookClient {
  return {
    post: (target, review, { timeoutMs }) => {
      const { url, host, port, servername } = addressOf(reader(), target)
      const body = Buffer.from(JSON.stringify(review))
      const ca = target.caBundle ? Buffer.from(target.caBundle, 'base64') : undefined
      return new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`Post ${JSON.stringify(`${url.href}?timeout=${timeoutMs / 1000}s`)}: ${why}`))
        const sent = httpsRequest({
          host,
          port,
          path: `${url.pathname}${url.search}${url.search === '' ? '?' : '&'}timeout=${timeoutMs / 1000}s`,
          method: 'POST',
          servername,
          ...(ca ? { ca } : {}),
          headers: { host: url.host, 'content-type': 'application/json', accept: 'application/json', 'content-length': body.length },
          timeout: timeoutMs,
          agent: false,
        })
        sent.once('timeout', () => sent.destroy(new Error('context deadline exceeded')))
        sent.once('error', (error) => fail(error.message))
        sent.once('response', (response) => {
          const blocks: Buffer[] = []
          let length = 0
          response.on('data', (block: Buffer) => {
            length += block.length
            if (length > answerBytesMax) sent.destroy(new Error('the answer is too large'))
            else blocks.push(block)
          })
          response.once('error', (error) => fail(error.message))
          response.once('end', () => {
            const code = response.statusCode ?? 0
            if (code < 200 || code > 299) return fail(`the server responded with the status code ${code}`)
            try {
              return resolve(JSON.parse(Buffer.concat(blocks).toString()))
            } catch (error) {
              return fail((error as Error).message)
            }
          })
        })
        sent.end(body)
      })
    },
  }
}

type Address = { readonly url: URL; readonly host: string; readonly port: number; readonly servername: string }

function addressOf(reader: ObjectReader, { url: text, service }: WebhookTarget): Address {
  if (!service) {
    const url = new URL(text ?? '')
    const host = url.hostname.replace(/^\[|\]$/g, '')
    return { url, host, port: Number(url.port || 443), servername: host }
  }
  const { name, namespace, path = '/', port = 443 } = service
  const servername = `${name}.${namespace}.svc`
  const url = new URL(`https://${servername}:${port}${path.startsWith('/') ? path : `/${path}`}`)
  const found = reader.get(services, namespace, name)
  if (!found) throw statusErrors.notFound({ group: '', resource: 'services' }, name)
  if (found.spec?.type === 'ExternalName' && found.spec.externalName) return { url, host: found.spec.externalName, port, servername }
  const wanted = found.spec?.ports?.find((p) => p.port === port)
  if (!wanted) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`)
  for (const slice of reader.list(endpointSlices, namespace)) {
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== name) continue
    const open = slice.ports?.find((p) => (p.name ?? '') === (wanted.name ?? ''))
    const endpoint = slice.endpoints?.find((e) => e.conditions?.ready !== false)
    if (open?.port && endpoint?.addresses[0]) return { url, host: endpoint.addresses[0], port: open.port, servername }
  }
  throw new Error(`no endpoints available for service ${JSON.stringify(name)}`)
}
