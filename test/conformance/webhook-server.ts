/** An admission webhook on loopback, with a certificate of an authority of its own. */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { issueCertificate, newAuthority } from '../../src/platform/pki/certificate.ts'
import type { KubeObject } from '../../src/machinery/object.ts'

export type ReviewRequest = {
  readonly uid: string
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string }
  readonly requestKind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly subResource?: string
  readonly name?: string
  readonly namespace?: string
  readonly operation: string
  readonly object: (KubeObject & Readonly<Record<string, unknown>>) | null
  readonly oldObject: KubeObject | null
  readonly userInfo: { readonly username: string }
  readonly options: Readonly<Record<string, unknown>> | null
  readonly dryRun: boolean
}

/** `patch` is a JSON patch; what is left out is as if allowed without a word. `raw` stands in for the whole answer. */
export type ReviewAnswer = {
  readonly allowed?: boolean
  readonly status?: object
  readonly patch?: readonly object[]
  readonly warnings?: readonly string[]
  readonly auditAnnotations?: Readonly<Record<string, string>>
  readonly raw?: { readonly code: number; readonly body: string }
}

export type Judge = (request: ReviewRequest) => ReviewAnswer | Promise<ReviewAnswer>

export type WebhookServer = {
  readonly caBundle: string
  /** A `clientConfig` for a judge; each has a path of its own. */
  clientConfig(judge: Judge): { readonly url: string; readonly caBundle: string }
  /** All that has been asked, oldest first. */
  readonly reviews: ReviewRequest[]
  close(): Promise<void>
}

const validity = { notBeforeMs: Date.parse('2020-01-01T00:00:00Z'), notAfterMs: Date.parse('2100-01-01T00:00:00Z') }

export async function startWebhookServer(): Promise<WebhookServer> {
  const authority = newAuthority({ commonName: 'webhooks', ...validity })
  const identity = issueCertificate(authority, {
    subject: { commonName: 'localhost' },
    hosts: ['localhost'],
    usages: ['server'],
    ...validity,
  })
  const judges = new Map<string, Judge>()
  const reviews: ReviewRequest[] = []
  const server: Server = createServer(identity, (request, response) => {
    void (async () => {
      let text = ''
      for await (const block of request) text += (block as Buffer).toString()
      const { apiVersion, request: review } = JSON.parse(text) as { apiVersion: string; request: ReviewRequest }
      reviews.push(review)
      const judge = judges.get(new URL(request.url ?? '', 'https://localhost').pathname)
      const { raw, patch, allowed = true, ...rest } = (await judge?.(review)) ?? {}
      if (raw) {
        response.statusCode = raw.code
        response.end(raw.body)
        return
      }
      const patched = patch ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') } : {}
      response.end(JSON.stringify({ kind: 'AdmissionReview', apiVersion, response: { uid: review.uid, allowed, ...rest, ...patched } }))
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const caBundle = Buffer.from(authority.cert).toString('base64')
  return {
    caBundle,
    reviews,
    clientConfig: (judge) => {
      const path = `/judge-${judges.size + 1}`
      judges.set(path, judge)
      return { url: `https://localhost:${port}${path}`, caBundle }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
