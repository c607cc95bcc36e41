import { fieldErrors } from '../../machinery/field-error.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { VerbHandler } from '../dispatch.ts'
import type { Dialer } from '../reach/node-dialer.ts'
import type { Query } from '../http/request-info.ts'
import { getObject } from '../verbs/get.ts'
import { containerOf, nodeTarget } from './node-target.ts'
import { unreachable } from './proxy-errors.ts'

const passed = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes', 'stream'] as const

/** GET `pods/NAME/log`: the node agent's answer, streamed. A pod without a node has an empty log. */
export function podLog(dialer: Dialer): Readonly<Record<string, VerbHandler>> {
  return {
    get: async (core, context, { resource, namespace, name, query }) => {
      const pod = (await getObject(core, context, { resource, namespace, name })).object as KubeObject & Pod
      validate(query, name)
      const container = containerOf(pod, query.get('container'))
      const headers = { 'content-type': 'text/plain' }
      if (!pod.spec?.nodeName) return { type: 'response', response: { code: 204, headers: {}, body: new Uint8Array() } }
      const target = nodeTarget(core, pod.spec.nodeName)
      const parameters = new URLSearchParams()
      for (const option of passed) {
        const value = query.get(option)
        if (value !== undefined) parameters.set(option, value)
      }
      const path = `/containerLogs/${namespace}/${name}/${container}?${parameters.toString()}`
      const sent = { method: 'GET', path, headers: {}, body: undefined, signal: context.signal }
      const {
        code,
        headers: answered,
        body,
      } = await dialer.request(target, sent).catch((error: unknown) => {
        throw unreachable(pod.spec?.nodeName ?? '', target, error)
      })
      if (code !== 200) throw await logFailure(code, body)
      return {
        type: 'response',
        response: { code, headers: { ...headers, 'content-type': String(answered['content-type'] ?? 'text/plain') }, body },
      }
    },
  }
}

async function logFailure(code: number, body: AsyncIterable<Uint8Array>) {
  let text = ''
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString()
    if (text.length > 4096) break
  }
  const message = text.trim() || `the node answered ${code}`
  if (code === 404) return statusErrors.badRequest(message)
  return code === 400 ? statusErrors.badRequest(message) : statusErrors.internal(new Error(message))
}

const streams = ['All', 'Stderr', 'Stdout']

function validate(query: Query, name: string): void {
  const errors = []
  for (const [option, min] of [
    ['tailLines', 0],
    ['limitBytes', 1],
    ['sinceSeconds', 1],
  ] as const) {
    const text = query.get(option)
    if (text === undefined || text === '') continue
    const value = Number(text)
    if (!Number.isSafeInteger(value)) {
      throw statusErrors.badRequest(
        `unable to decode query parameter ${JSON.stringify(option)}: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
      )
    }
    if (value < min)
      errors.push(fieldErrors.invalid(option, value, min === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0'))
  }
  if (query.get('sinceSeconds') && query.get('sinceTime')) {
    errors.push(fieldErrors.forbidden('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  }
  const stream = query.get('stream')
  if (stream && !streams.includes(stream)) errors.push(fieldErrors.notSupported('stream', stream, streams))
  if (stream && stream !== 'All' && query.get('tailLines'))
    errors.push(fieldErrors.forbidden('[]', '`tailLines` and specific `stream` are mutually exclusive for now'))
  if (errors.length > 0) throw statusErrors.invalid({ group: '', kind: 'PodLogOptions' }, name, errors)
}
