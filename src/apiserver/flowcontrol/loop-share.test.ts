import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createLoopShare } from './loop-share.ts'

/** How many turns of a millisecond come at once, asked for by each key in its turn. */
function turnsAtOnce(...keys: readonly string[]): number {
  const share = createLoopShare(virtualClock())
  for (let i = 0; ; i++) if (share.turn(keys[i % keys.length]!, 1)) return i
}

test('a key that has the loop for itself gets longer rounds than keys that share it', () => {
  assert.equal(turnsAtOnce('a'), 20)
  assert.equal(turnsAtOnce('a', 'b'), 5)
  assert.equal(turnsAtOnce('a', 'a', 'a', 'a', 'a', 'a', 'b'), 6, 'until another comes')
})
