import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainId } from './image-views.ts'

const configuration = (...layers: readonly string[]) => JSON.stringify({ rootfs: { type: 'layers', diff_ids: layers } })

test('the chain of one layer is the layer, that of several a hash over them in their order', () => {
  assert.equal(chainId(configuration('sha256:a')), 'sha256:a')
  // sha256 of "sha256:a sha256:b".
  assert.equal(chainId(configuration('sha256:a', 'sha256:b')), 'sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8')
  assert.throws(() => chainId(configuration()), /the image has no layers/)
})
