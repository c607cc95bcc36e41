/**
 * Who may ask the node for what, judged as upstream's node API does (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/):
 * the cluster says whose a token is (TokenReview) and what is allowed (SubjectAccessReview of the subresources of `nodes`). Answers are
 * kept for a while, and their number and that of the open questions is bounded.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'

/** Who calls, from a verified client certificate or a token. */
export type NodeCaller = {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid?: string
  readonly extra?: Readonly<Record<string, string[]>>
}

export type NodeAccess = {
  /** Undefined: the token is nobody's. Rejects when the cluster cannot be asked. */
  authenticate(token: string): Promise<NodeCaller | undefined>
  /** Whether the caller may do `verb` with one of the subresources. Rejects when the cluster cannot be asked. */
  authorize(caller: NodeCaller, verb: string, subresources: readonly string[]): Promise<boolean>
}

/** Upstream's: prefixes of paths, each with the subresource that allows it. */
const fineGrained = [
  ['/pods', 'pods'],
  ['/healthz', 'healthz'],
  ['/configz', 'configz'],
  ['/runningpods', 'pods'],
] as const
const separate = [
  ['/stats', 'stats'],
  ['/metrics', 'metrics'],
  ['/logs', 'log'],
] as const

/** The subresources of `nodes` of which one must be allowed to the caller for a path of the node's API. Pure. */
export function nodeSubresources(path: string): string[] {
  const isBelow = ([prefix]: readonly [string, string]) => path === prefix || path.startsWith(`${prefix}/`)
  const own = separate.find(isBelow)
  if (own) return [own[1]]
  const fine = fineGrained.find(isBelow)
  return fine ? [fine[1], 'proxy'] : ['proxy']
}

/** Upstream's names of verbs; another method has none, and nothing but `*` allows it. */
export function nodeVerb(method: string): string {
  const verbs: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
  return verbs[method] ?? ''
}

/** Upstream's defaults. */
const tokenMs = 2 * 60_000
const allowedMs = 5 * 60_000
const refusedMs = 30_000
const answersMax = 1024
const questionsMax = 64

export class TooManyQuestions extends Error {
  override name = 'TooManyQuestions'
}

export function delegatedAccess({
  client,
  clock,
  nodeName,
}: {
  readonly client: Client
  readonly clock: Clock
  readonly nodeName: string
}): NodeAccess {
  const callers = new Answers<NodeCaller | undefined>(clock)
  const verdicts = new Answers<boolean>(clock)
  const askToken = async (token: string) => {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } } as const
    const { status } = await client.resource(kindRefs.authenticationV1.tokenReviews).create(review)
    const { username, uid, groups = [], extra } = status?.user ?? {}
    if (!status?.authenticated || !username) return undefined
    return { name: username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }
  }
  const askAccess = async ({ name, groups, uid, extra }: NodeCaller, verb: string, subresource: string) => {
    const { status } = await client.resource(kindRefs.authorizationV1.subjectAccessReviews).create({
      ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {} },
      spec: {
        ...{ user: name, groups: [...groups], ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) },
        resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
      },
    })
    return status?.allowed === true
  }
  return {
    // Kept under its digest: nobody who reads the memory finds tokens here.
    authenticate: (token) =>
      callers.of(
        createHash('sha256').update(token).digest('base64'),
        () => askToken(token),
        (caller) => (caller ? tokenMs : refusedMs),
      ),
    authorize: async (caller, verb, subresources) => {
      for (const subresource of subresources) {
        const key = JSON.stringify([caller, verb, subresource])
        if (
          await verdicts.of(
            key,
            () => askAccess(caller, verb, subresource),
            (is) => (is ? allowedMs : refusedMs),
          )
        )
          return true
      }
      return false
    },
  }
}

/** Answers to questions, each good for a while; equal questions at the same time are one. */
class Answers<T> {
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly value: T; readonly untilMs: number }>()
  readonly #asking = new Map<string, Promise<T>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws TooManyQuestions; a question that fails is asked anew the next time. */
  of(key: string, ask: () => Promise<T>, goodMs: (value: T) => number): Promise<T> {
    const known = this.#known.get(key)
    if (known && this.#clock.monotonicMs() < known.untilMs) return Promise.resolve(known.value)
    let asking = this.#asking.get(key)
    if (asking) return asking
    if (this.#asking.size >= questionsMax) return Promise.reject(new TooManyQuestions('too many callers are being looked up'))
    asking = ask()
      .then((value) => {
        this.#keep(key, { value, untilMs: this.#clock.monotonicMs() + goodMs(value) })
        return value
      })
      .finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  #keep(key: string, entry: { readonly value: T; readonly untilMs: number }): void {
    this.#known.delete(key)
    this.#known.set(key, entry)
    // The oldest goes first.
    if (this.#known.size > answersMax) this.#known.delete(this.#known.keys().next().value!)
  }
}
