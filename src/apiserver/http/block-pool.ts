/**
 * Blocks of big answers, to be filled again once they have been sent: V8 collects all of its garbage for every 64 MB of memory outside of
 * its heap, and a list of 24 MB used to cost as much again for that as for itself.
 */

/** Lists are sent in blocks of this size, so that a big one never is one big buffer. */
export const blockBytes = 256 * 1024

/** As many are kept as lists are usually sent at a time. */
const freeMax = 8

const free: Buffer[] = []
/** By their memory: what is sent of a block is a view of it. */
const lent = new WeakSet<ArrayBufferLike>()

/** A block to fill; whatever was in it is still there. */
export function takeBlock(): Buffer {
  const block = free.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
  lent.add(block.buffer)
  return block
}

/** To be called once nobody reads the block any more; bytes that are no block of the pool are left alone. Whoever never calls it leaves it to V8. */
export function giveBack({ buffer }: Uint8Array): void {
  if (lent.delete(buffer) && free.length < freeMax) free.push(Buffer.from(buffer))
}
