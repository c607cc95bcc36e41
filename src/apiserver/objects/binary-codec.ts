import type { OmittedZeros } from '../../machinery/schema/zero-values.ts'
import type { ProtobufCodec, ProtobufFacts } from '../../machinery/wire/protobuf.ts'

/** Protobuf for whole objects. `decode` throws ProtobufError; `encode` gives undefined for kinds that have no messages. */
export type BinaryCodec = Pick<ProtobufCodec, 'decode' | 'encode' | 'encodeBare' | 'wrapList'>

/** The codec with its field numbers, loaded when the first client speaks protobuf and not at start. */
export function lazyBinaryCodec(): () => Promise<BinaryCodec> {
  let loaded: Promise<BinaryCodec> | undefined
  return () => (loaded ??= load())
}

async function load(): Promise<BinaryCodec> {
  const [{ createProtobufCodec }, facts, zeros] = await Promise.all([
    import('../../machinery/wire/protobuf.ts'),
    import('../../kinds/generated/protobuf.json', { with: { type: 'json' } }),
    import('../../kinds/generated/omitted-zeros.json', { with: { type: 'json' } }),
  ])
  return createProtobufCodec(facts.default as unknown as ProtobufFacts, zeros.default as OmittedZeros)
}
