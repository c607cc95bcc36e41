/** What the types of an Accept header ask of an OpenAPI document: JSON or protobuf. */

export type DocumentFormat = 'json' | 'protobuf'

/** The media type of a document in protobuf. */
export const protobufType = (version: 'v2' | 'v3') => `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`

/** Clients name it so, which is no valid media type. */
const askedType = (version: 'v2' | 'v3') => `application/com.github.proto-openapi.spec.${version}@v1.0+protobuf`

const jsonTypes: readonly string[] = ['application/json', 'application/*', '*/*']

/** The first type of the highest quality that can be given decides; undefined: none can. No Accept header accepts everything. */
export function documentFormat(accept: string, version: 'v2' | 'v3'): DocumentFormat | undefined {
  if (accept === '') return 'json'
  const binaryTypes = [protobufType(version), askedType(version)]
  const types = accept
    .split(',')
    .map(readRange)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ type }) => type)
  for (const type of types) {
    if (jsonTypes.includes(type)) return 'json'
    if (binaryTypes.includes(type)) return 'protobuf'
  }
  return undefined
}

function readRange(text: string): { readonly type: string; readonly quality: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim())
  const quality = parameters.map((parameter) => /^q\s*=\s*(\S+)$/.exec(parameter)?.[1]).find((value) => value !== undefined)
  const parsed = Number(quality ?? 1)
  return { type, quality: Number.isFinite(parsed) ? parsed : 1 }
}
