/**
 * How a server learns why from a scheduler in another process, which it cannot reach: it makes a Lease with the question, which
 * all schedulers see by the watch by which they know each other, and the one that knows writes its answer on it. Nothing is written
 * before somebody asks.
 */
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { Lease } from '../../kinds/generated/types/coordination-v1.ts'
import { splitKey } from '../../machinery/object.ts'
import type { SchedulingExplanation } from '../explain/explanation.ts'
import { schedulerLabel, schedulerNamespace } from './live-members.ts'

/** On a question: NAMESPACE/NAME of the pod. */
export const questionAnnotation = 'keelson.dev/explain-pod'
/** On an answered one: the explanation in JSON. */
export const answerAnnotation = 'keelson.dev/explanation'
/** Labels of a question: it is no member, since nobody holds it. */
export const questionLabels: Readonly<Record<string, string>> = { [schedulerLabel]: 'question' }

/** Well below what the annotations of an object may hold together. */
const answerBytesMax = 192 << 10
const textCharactersMax = 64 << 10

/** `explain` gives what this process has to say about the pod; undefined: another one may. The returned function stops it. */
export function answerQuestions(options: {
  readonly client: Client
  readonly leases: Informer<Lease>
  readonly log: Log
  readonly explain: (namespace: string, name: string) => SchedulingExplanation | undefined
}): () => void {
  const { client, leases, log, explain } = options
  const answer = async (question: Lease, explanation: SchedulingExplanation) => {
    const annotations = { ...question.metadata.annotations, [answerAnnotation]: boundedAnswer(explanation) }
    try {
      // The first answer stays: another writer meets a newer version.
      await client
        .resource(kindRefs.coordinationV1.leases, schedulerNamespace)
        .update({ ...question, metadata: { ...question.metadata, annotations } })
    } catch (error) {
      log.debug({ question: question.metadata.name, error: String(error) }, 'could not answer')
    }
  }
  return leases.onChange(({ current }) => {
    const { [questionAnnotation]: key, [answerAnnotation]: known } = current?.metadata.annotations ?? {}
    if (!current || key === undefined || known !== undefined) return
    const { namespace = '', name } = splitKey(key)
    const explanation = explain(namespace, name)
    if (explanation) void answer(current, explanation)
  })
}

/** JSON of at most `answerBytesMax`: of very many nodes the first are told, and that it is so. */
export function boundedAnswer(explanation: SchedulingExplanation): string {
  const { nodes } = explanation
  const text = explanation.text.slice(0, textCharactersMax)
  for (let count = nodes.length; ; count = count >> 1) {
    const told = `Of ${nodes.length} nodes the first ${count} are told. ${explanation.basisNote}`
    const answer = JSON.stringify({
      ...explanation,
      text,
      ...(count < nodes.length ? { nodes: nodes.slice(0, count), basisNote: told } : {}),
    })
    if (count === 0 || Buffer.byteLength(answer) <= answerBytesMax) return answer
  }
}
