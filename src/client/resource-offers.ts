/**
 * A framework's side of resource offers (docs/distributed-scheduling.md): registers, keeps its Lease, and asks `onOffer` about every offer,
 * one after the other.
 *
 * 1. An offer is answered once. Where the answer fails, the offer is forgotten: what it was to carry waits for the next one.
 * 2. `onOffer` is never called twice at the same time: it may count on what it did with the last offer.
 * 3. Nothing polls but the renewal of the Lease.
 */
import { type Clock, sleep, toMicroTime } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Framework, FrameworkSpec } from '../kinds/keelson/framework.ts'
import type { Offer, OfferAcceptance, OfferDecline } from '../kinds/keelson/offer.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { Client } from './contract.ts'
import { kindRefs } from './generated/kind-refs.ts'
import { ObjectInformer } from './informer.ts'
import { keelsonKinds } from './own-kind-refs.ts'

/** Pods that exist and wait without a node, by name; or for how long no offer of this node is wanted. */
export type OfferAnswer = { readonly accept: readonly string[] } | { readonly declineSeconds: number }

export type FrameworkOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly namespace: string
  readonly name: string
  /** Used when the Framework is made; one that is there stays as it is. */
  readonly spec?: FrameworkSpec
  /** Who holds the Lease. Default: the framework's name. */
  readonly identity?: string
  /** What it throws is logged, and the offer declined for a moment. */
  readonly onOffer: (offer: Offer) => Promise<OfferAnswer> | OfferAnswer
}

export type RunningFramework = {
  /** Resolves when all has ended after the signal. */
  readonly done: Promise<void>
  /** Forgets the filters of earlier declines: offers of those nodes may come at once. */
  revive(): Promise<void>
}

const leaseSecondsDefault = 15
const declineSecondsAfterError = 5

/** Registers, then runs until the signal aborts. Rejects where it may not register; a crash needs no good-bye. */
export async function startFramework(options: FrameworkOptions, signal: AbortSignal): Promise<RunningFramework> {
  const leaseSeconds = await register(options, signal)
  await renewLease(options, leaseSeconds, signal)
  const { client, clock, random, log, namespace, name } = options
  const informer = new ObjectInformer<Offer>({
    ...{ client, clock, random, log, namespace, kind: keelsonKinds.offers, fieldSelector: `spec.frameworkName=${name}` },
  })
  const following = informer.run(signal)
  const renewing = keepLease(options, leaseSeconds, signal)
  const answering = answerOffers(options, informer, signal)
  return {
    done: Promise.all([following, renewing, answering]).then(() => {}),
    revive: async () => {
      for (const offer of informer.list()) {
        if (offer.status?.phase !== 'Declined') continue
        await client.resource(keelsonKinds.offers, namespace).delete(offer.metadata.name!).catch(ignoreGone)
      }
    },
  }
}

function ignoreGone(error: unknown): void {
  if (!isStatus(error, 'NotFound')) throw error
}

async function register({ client, namespace, name, spec = {} }: FrameworkOptions, signal: AbortSignal): Promise<number> {
  const resource = client.resource<Framework>(keelsonKinds.frameworks, namespace)
  const found = await resource.get(name, { signal }).catch((error: unknown) => {
    if (isStatus(error, 'NotFound')) return undefined
    throw error
  })
  const object: Framework = { apiVersion: 'keelson.dev/v1', kind: 'Framework', metadata: { name }, spec }
  const framework = found ?? (await resource.create(object, { signal }))
  return framework.spec?.leaseDurationSeconds ?? leaseSecondsDefault
}

/** Three renewals fall into one duration, so that two may fail. */
async function keepLease(options: FrameworkOptions, leaseSeconds: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(options.clock, (leaseSeconds * 1_000) / 3, signal).catch(() => undefined)
    if (!signal.aborted)
      await renewLease(options, leaseSeconds, signal).catch((error: unknown) =>
        options.log.warn({ framework: options.name, error: String(error) }, 'the lease could not be renewed'),
      )
  }
}

async function renewLease(options: FrameworkOptions, leaseSeconds: number, signal: AbortSignal): Promise<void> {
  const { client, clock, namespace, name, identity = name } = options
  const leases = client.resource(kindRefs.coordinationV1.leases, namespace)
  const spec = { holderIdentity: identity, leaseDurationSeconds: leaseSeconds, renewTime: toMicroTime(clock.now()) }
  const lease = await leases.get(name, { signal }).catch((error: unknown) => {
    if (isStatus(error, 'NotFound')) return undefined
    throw error
  })
  if (lease) await leases.update({ ...lease, spec: { ...lease.spec, ...spec } }, { signal })
  else await leases.create({ metadata: { name, namespace }, spec }, { signal })
}

async function answerOffers(options: FrameworkOptions, informer: ObjectInformer<Offer>, signal: AbortSignal): Promise<void> {
  const waiting = new Map<string, Offer>()
  const answered = new Set<string>()
  let wake = () => {}
  const remove = informer.onChange(({ current, old }) => {
    const uid = (current ?? old)?.metadata.uid ?? ''
    if (!current) {
      waiting.delete(uid)
      answered.delete(uid)
    } else if (current.status?.phase !== 'Declined' && !answered.has(uid)) waiting.set(uid, current)
    else waiting.delete(uid)
    wake()
  })
  const onAbort = () => wake()
  signal.addEventListener('abort', onAbort)
  try {
    while (!signal.aborted) {
      const [next] = waiting
      if (!next) {
        await new Promise<void>((resolve) => (wake = resolve))
        continue
      }
      const [uid, offer] = next
      waiting.delete(uid)
      answered.add(uid)
      await answerOffer(options, offer, signal)
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    remove()
  }
}

async function answerOffer({ client, log, namespace, onOffer }: FrameworkOptions, offer: Offer, signal: AbortSignal): Promise<void> {
  const name = offer.metadata.name ?? ''
  const resource = client.resource<Offer>(keelsonKinds.offers, namespace)
  const answer = await answerOf(onOffer, offer, log)
  const decline = (filterSeconds: number) => {
    const body: OfferDecline = { metadata: {}, ...typeOf('OfferDecline'), filterSeconds }
    return resource.subresource<OfferDecline, unknown>(name, 'decline', body, { signal })
  }
  try {
    if (!('accept' in answer)) await decline(answer.declineSeconds)
    else if (answer.accept.length === 0) await decline(declineSecondsAfterError)
    else {
      const body: OfferAcceptance = { metadata: {}, ...typeOf('OfferAcceptance'), pods: answer.accept.map((pod) => ({ name: pod })) }
      await resource.subresource<OfferAcceptance, unknown>(name, 'accept', body, { signal })
    }
  } catch (error) {
    if (signal.aborted) return
    log.info({ offer: name, error: String(error) }, 'the answer to the offer was not taken')
    // The offer may stand although a pod of the answer is gone: its room is no use to us.
    if ('accept' in answer) await decline(0).catch(() => undefined)
  }
}

const typeOf = (kind: string) => ({ apiVersion: 'keelson.dev/v1', kind })

async function answerOf(onOffer: FrameworkOptions['onOffer'], offer: Offer, log: Log): Promise<OfferAnswer> {
  try {
    return await onOffer(offer)
  } catch (error) {
    log.error({ offer: offer.metadata.name, error: String(error) }, 'the framework failed over an offer')
    return { declineSeconds: declineSecondsAfterError }
  }
}
