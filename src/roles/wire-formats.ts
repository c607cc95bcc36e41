/** Protobuf for the API: its field numbers are read and its codec is made when the first client speaks it. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BinaryEncoder } from '../apiserver/answer-encoding.ts'
import type { BinaryDecoder } from '../apiserver/body.ts'
import { createProtobufCodec, type ProtobufCodec, type ProtobufFacts } from '../machinery/wire/protobuf.ts'

export function protobufFormat(): { readonly decode: BinaryDecoder; readonly encode: BinaryEncoder } {
  let codec: ProtobufCodec | undefined
  const lazy = () => (codec ??= createProtobufCodec(readFacts()))
  return { decode: (bytes) => lazy().decode(bytes), encode: (object) => lazy().encode(object as Record<string, unknown>) }
}

/** Beside the sources, or beside the bundle. */
function readFacts(): ProtobufFacts {
  const isSource = import.meta.url.endsWith('.ts')
  const file = new URL(isSource ? '../kinds/generated/protobuf.json' : './protobuf.json', import.meta.url)
  return JSON.parse(readFileSync(fileURLToPath(file), 'utf8')) as ProtobufFacts
}
