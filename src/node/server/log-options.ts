import { isFlagSet } from '../../machinery/query-flag.ts'
import type { LogOptions } from '../logs/read-log.ts'

/** The request cannot be served: the code and the text go to the client. */
export class NotServed extends Error {
  override name = 'NotServed'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** PodLogOptions out of a query. Throws NotServed 400 or 422 for nonsense. */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions & { readonly previous: boolean } {
  const flag = (name: string) => isFlagSet(query.get(name))
  const stream = query.get('stream') ?? 'All'
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') throw new NotServed(422, `stream: Unsupported value: "${stream}"`)
  const sinceSeconds = integer(query, 'sinceSeconds', 1)
  const sinceTime = query.get('sinceTime')
  const sinceTimeMs = sinceTime === null || sinceTime === '' ? undefined : Date.parse(sinceTime)
  if (Number.isNaN(sinceTimeMs)) throw new NotServed(400, `unable to parse sinceTime "${sinceTime}"`)
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    tailLines: integer(query, 'tailLines', 0),
    limitBytes: integer(query, 'limitBytes', 1),
    sinceMs: sinceSeconds === undefined ? sinceTimeMs : nowMs - sinceSeconds * 1000,
    stream,
  }
}

function integer(query: URLSearchParams, name: string, min: number): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < min)
    throw new NotServed(422, `${name}: Invalid value: "${text}": must be an integer of at least ${min}`)
  return value
}
