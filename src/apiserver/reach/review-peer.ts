/** Webhooks that a kubeconfig names: of authentication, of authorization, of the audit log. */
import { type BackoffOptions, backoffMs } from '../../base/backoff.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { ClientMetrics } from '../../client/client-metrics.ts'
import { createHttpClient, type HttpClientOptions } from '../../client/http-client.ts'
import { loadKubeconfig, resolveContext } from '../../client/kubeconfig.ts'

export type ReviewPeer = {
  /**
   * POSTs a document to the server's own URL and gives the answer's JSON; null where it has none. Rejects with a PeerError, or with the
   * signal's reason.
   */
  post(document: object, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<unknown>
  /** Ends idle connections. */
  close(): void
}

/** `isTransient`: it may work a moment later. */
export class PeerError extends Error {
  override name = 'PeerError'
  readonly isTransient: boolean
  constructor(message: string, isTransient: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isTransient = isTransient
  }
}

export type PeerParts = { readonly clock: Clock; readonly random: Random; readonly clientMetrics?: ClientMetrics | undefined }

const answerBytesMax = 4 * 1024 * 1024
/** Upstream's, of webhooks: the first delay is the caller's. */
const retry: Omit<BackoffOptions, 'initialMs'> = { maxMs: 30_000, factor: 1.5, jitter: 0.2 }
const attemptsMax = 5

/** Reads the kubeconfig's current context once. Throws an Error that names what is wrong with it. */
export function reviewPeerFromKubeconfig(path: string, parts: PeerParts & { readonly firstRetryMs?: number }): ReviewPeer {
  const { connection } = resolveContext(loadKubeconfig([path]))
  return createReviewPeer(connection, parts)
}

export function createReviewPeer(
  connection: HttpClientOptions,
  { clock, random, clientMetrics, firstRetryMs = 500 }: PeerParts & { readonly firstRetryMs?: number },
): ReviewPeer {
  const client = createHttpClient({
    ...connection,
    clock,
    userAgent: 'kube-apiserver',
    ...(clientMetrics ? { metrics: clientMetrics } : {}),
  })
  const once = async (body: string, timeoutMs: number, outer: AbortSignal | undefined): Promise<unknown> => {
    const giveUp = new AbortController()
    const signal = outer ? AbortSignal.any([outer, giveUp.signal]) : giveUp.signal
    const cancel = clock.schedule(timeoutMs, () => giveUp.abort(new Error('context deadline exceeded')))
    try {
      const headers = { 'content-type': 'application/json', accept: 'application/json' }
      const response = await client.raw({ method: 'POST', path: '', headers, body, signal })
      const text = await textOf(response.body)
      if (response.code < 200 || response.code > 299) throw refused(response.code, text)
      return text === '' ? null : JSON.parse(text)
    } catch (error) {
      if (error instanceof PeerError) throw error
      outer?.throwIfAborted()
      if (giveUp.signal.aborted) throw failed(connection.server, 'context deadline exceeded', true)
      throw failed(connection.server, messageOf(error), isReset(error))
    } finally {
      cancel()
    }
  }
  return {
    post: async (document, { timeoutMs, signal }) => {
      const body = JSON.stringify(document)
      const deadlineMs = clock.monotonicMs() + timeoutMs
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(body, Math.max(1, deadlineMs - clock.monotonicMs()), signal)
        } catch (error) {
          const delayMs = backoffMs({ ...retry, initialMs: firstRetryMs }, attempt - 1, random)
          const isWorthIt = error instanceof PeerError && error.isTransient && attempt < attemptsMax
          if (!isWorthIt || clock.monotonicMs() + delayMs >= deadlineMs) throw error
          await sleep(clock, delayMs, signal)
        }
      }
    },
    close: () => client.close(),
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const blocks: Uint8Array[] = []
  let bytes = 0
  for await (const block of body) {
    bytes += block.length
    if (bytes > answerBytesMax) throw new PeerError('the answer is too large', false)
    blocks.push(block)
  }
  return Buffer.concat(blocks).toString()
}

function refused(code: number, text: string): PeerError {
  const isTransient = code === 429 || code === 500 || code === 504
  const message =
    code >= 500
      ? `an error on the server (${JSON.stringify(text.slice(0, 512) || 'unknown')}) has prevented the request from succeeding`
      : code === 401
        ? 'Unauthorized'
        : code === 404
          ? 'the server could not find the requested resource'
          : `the server responded with the status code ${code}`
  return new PeerError(message, isTransient)
}

const failed = (server: string, why: string, isTransient: boolean) => new PeerError(`Post ${JSON.stringify(server)}: ${why}`, isTransient)

const codeOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | undefined)?.code ?? ((error as Error | undefined)?.cause as NodeJS.ErrnoException | undefined)?.code
const isReset = (error: unknown) => codeOf(error) === 'ECONNRESET'
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
