import { statusErrors } from '../../machinery/status-error.ts'

/** The form of an answer: how it is encoded and what it is turned into first. */
export type Format = {
  readonly encoding: 'json' | 'yaml' | 'protobuf'
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined
  /** Version of meta.k8s.io for `as`. */
  readonly version: 'v1' | 'v1beta1'
  /** Indented JSON. */
  readonly isPretty: boolean
}

const plainJson: Format = { encoding: 'json', as: undefined, version: 'v1', isPretty: false }
const encodings: Readonly<Record<string, Format['encoding']>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
  'application/*': 'json',
  '*/*': 'json',
}
/** What a watch is sent in. */
export const streamTypes: readonly string[] = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
const representations: readonly string[] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const transformations: readonly string[] = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']
/** Agents whose people read the answer with their own eyes. */
const readableAgents = /^(?:curl|Wget|Mozilla\/5\.0)/
/** What Go's `strconv.ParseBool` takes for true; all else is false here. */
const yes = /^(?:1|t|T|true|True|TRUE)$/

/**
 * The form of the answer to an Accept header: the best by quality, in the order named, but JSON before protobuf where the
 * client takes both equally, because JSON is what is stored and goes out as it is. `allowsTable`: what is asked for has
 * columns; `isCollection`: it is a list, or a watch of one; `isAsItIs`: it has no other form than its own, as a
 * Status and a group have not; `isLenient`: `application/*` names a form, too, and `*` any. Throws 406 when there is none.
 */
export function negotiate(
  accept: string | undefined,
  options: {
    readonly pretty: string | undefined
    readonly agent: string
    readonly allowsTable: boolean
    readonly isCollection?: boolean
    readonly isAsItIs?: boolean
    readonly isLenient?: boolean
  },
): Format {
  const isPretty = options.pretty ? yes.test(options.pretty) : readableAgents.test(options.agent)
  const plain = isPretty ? { ...plainJson, isPretty } : plainJson
  if (accept === undefined || accept === 'application/json' || accept === '*/*' || accept === '') return plain
  const ranges = mediaRanges(accept)
  if (!options.isLenient && !ranges.some(({ type }) => type === '*/*' || representations.includes(type)))
    throw statusErrors.noRepresentation(options.isCollection ? [...representations, ...streamTypes] : representations)
  for (const { type, parameters } of ranges) {
    const encoding = options.isLenient && type === '*' ? 'json' : Object.hasOwn(encodings, type) ? encodings[type] : undefined
    const stream = parameters.get('stream')
    if (encoding === undefined || (stream && (stream !== 'watch' || encoding === 'yaml'))) continue
    const as = parameters.get('as')
    const version = parameters.get('v')
    const group = parameters.get('g')
    if (as === undefined && version === undefined && group === undefined) return { ...plain, encoding }
    if (options.isAsItIs || !as || !transformations.includes(as) || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1'))
      continue
    // A Table has no protobuf message, and what has no columns has no Table: the client's next choice decides.
    if (as === 'Table' && (!options.allowsTable || encoding === 'protobuf')) continue
    return { ...plain, encoding, as: as as Format['as'], version }
  }
  throw statusErrors.notAcceptable(representations)
}

type MediaRange = { readonly type: string; readonly parameters: ReadonlyMap<string, string>; readonly quality: number }

const rangesMax = 32

function mediaRanges(accept: string): MediaRange[] {
  const ranges = accept.split(',', rangesMax).map((text) => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim())
    const parameters = new Map(
      rest.map((parameter) => {
        const [name = '', value = ''] = parameter.split('=', 2)
        return [name.trim(), value.trim().replace(/^"|"$/g, '')] as const
      }),
    )
    const quality = Number(parameters.get('q') ?? 1)
    return { type, parameters, quality: Number.isFinite(quality) ? quality : 0 }
  })
  const rank = ({ type }: MediaRange) => (encodings[type] === 'protobuf' ? 1 : 0)
  return ranges.sort((a, b) => b.quality - a.quality || rank(a) - rank(b))
}
