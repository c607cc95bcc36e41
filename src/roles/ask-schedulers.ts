import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Lease } from '../kinds/generated/types/coordination-v1.ts'
import { statusErrors } from '../machinery/status-error.ts'
import { answerAnnotation, questionAnnotation, questionLabels } from '../scheduler/shards/explain-questions.ts'
import { schedulerLabel, schedulerNamespace } from '../scheduler/shards/live-members.ts'

/** Questions that wait for an answer at once, of all servers. */
const questionsMax = 16
const answerLimitMs = 5_000
/** One that is older was left behind by a server that died. */
const questionAgeMaxMs = 60_000

/**
 * The explanation by a scheduler in a process of its own (scheduler/shards/explain-questions.ts); undefined when there are none beside
 * `own`. Throws StatusError: 429 while too many ask, 503 when none of them answers in time.
 */
export async function askSchedulers(
  {
    client,
    clock,
    random,
    own,
  }: { readonly client: Client; readonly clock: Clock; readonly random: Random; readonly own: readonly string[] },
  { namespace, name, signal }: { readonly namespace: string; readonly name: string; readonly signal: AbortSignal },
): Promise<object | undefined> {
  const leases = client.resource(kindRefs.coordinationV1.leases, schedulerNamespace)
  const { items } = await leases.list({ labelSelector: schedulerLabel, signal })
  if (!items.some(({ spec }) => spec?.holderIdentity && !own.includes(spec.holderIdentity))) return undefined
  const questions = items.filter(({ metadata }) => metadata.annotations?.[questionAnnotation] !== undefined)
  const old = questions.filter(({ metadata }) => clock.now() - Date.parse(metadata.creationTimestamp ?? '') > questionAgeMaxMs)
  await Promise.allSettled(old.map(({ metadata }) => leases.delete(metadata.name ?? '')))
  if (questions.length - old.length >= questionsMax) throw statusErrors.tooManyRequests('too many explanations are being asked for', 1)
  const question = await leases.create({
    metadata: {
      name: `keelson-explain-${random.suffix(10)}`,
      labels: questionLabels,
      annotations: { [questionAnnotation]: `${namespace}/${name}` },
    },
  })
  try {
    const answer = await answerTo(question, { client, clock, signal })
    if (answer === undefined)
      throw statusErrors.serviceUnavailable('no scheduler says why: none of those in processes of their own answered')
    return JSON.parse(answer) as object
  } finally {
    await leases.delete(question.metadata.name ?? '').catch(() => undefined)
  }
}

async function answerTo(
  { metadata: { name = '', resourceVersion = '' } }: Lease,
  { client, clock, signal }: { readonly client: Client; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const late = new AbortController()
  const cancel = clock.schedule(answerLimitMs, () => late.abort())
  const watching = AbortSignal.any([signal, late.signal])
  try {
    const events = client
      .resource(kindRefs.coordinationV1.leases, schedulerNamespace)
      .watch({ fieldSelector: `metadata.name=${name}`, resourceVersion, signal: watching })
    for await (const event of events) {
      const answer = event.type === 'MODIFIED' ? event.object.metadata.annotations?.[answerAnnotation] : undefined
      if (answer !== undefined) return answer
    }
  } catch (error) {
    if (!late.signal.aborted) throw error
  } finally {
    cancel()
  }
  return undefined
}
