import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLogOptions } from './log-options.ts'

test('flags of a log are set in every form that clients write', () => {
  const { follow, previous, timestamps } = parseLogOptions(new URLSearchParams('follow=True&previous=1&timestamps=False'), 0)
  assert.deepEqual({ follow, previous, timestamps }, { follow: true, previous: true, timestamps: false })
})
