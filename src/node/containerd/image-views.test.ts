import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainId, type Ctr, rootedView } from './image-views.ts'

const configuration = (...layers: readonly string[]) => JSON.stringify({ rootfs: { type: 'layers', diff_ids: layers } })

test('the chain of one layer is the layer, that of several a hash over them in their order', () => {
  assert.equal(chainId(configuration('sha256:a')), 'sha256:a')
  // sha256 of "sha256:a sha256:b".
  assert.equal(chainId(configuration('sha256:a', 'sha256:b')), 'sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8')
  assert.throws(() => chainId(configuration()), /the image has no layers/)
})

/** An engine whose collector takes the first `collected` views before they have their label. */
function engine(collected: number) {
  const calls: string[] = []
  const ctr: Ctr = async (...args) => {
    calls.push(args[1]!)
    if (args[1] === 'view') return `mounts of ${args.at(-2)}`
    if (collected-- > 0) throw new Error(`exit 1: ctr: snapshot ${args[2]} does not exist: not found`)
    return ''
  }
  return { ctr, calls }
}

test('a view that the engine collected before it was labelled is made again, some times', async () => {
  const twice = engine(2)
  assert.equal(await rootedView(twice.ctr, 'key', 'sha256:a'), 'mounts of key')
  assert.deepEqual(twice.calls, ['view', 'label', 'view', 'label', 'view', 'label'])
  const always = engine(100)
  await assert.rejects(rootedView(always.ctr, 'key', 'sha256:a'), /does not exist/)
  assert.equal(always.calls.length, 10)
})
