/**
 * Deals a flow a hand of queues: the same flow always the same hand, two flows seldom the same one (shuffle sharding). The
 * flow with the shortest queue of its hand then waits there, so that few flows suffer from one that floods.
 */
export function dealHand(flow: string, deck: { readonly queues: number; readonly handSize: number }): readonly number[] {
  const hand: number[] = []
  let state = hash(flow)
  for (let dealt = 0; dealt < Math.min(deck.handSize, deck.queues); dealt++) {
    state = mixed(state)
    let card = state % (deck.queues - dealt)
    // Cards already dealt are no longer in the deck: those at or below push the number up.
    const sorted = [...hand].sort((a, b) => a - b)
    for (const taken of sorted) if (card >= taken) card++
    hand.push(card)
  }
  return hand
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

/** The finalizer of MurmurHash3 over the next step of a Weyl sequence: neighbouring states give unrelated cards. */
function mixed(state: number): number {
  let value = (state + 0x9e3779b9) | 0
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
