import assert from 'node:assert/strict'
import { test } from 'node:test'
import { responseError } from './response-error.ts'

const status = (fields: object) => JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', ...fields })
const answers: readonly [code: number, body: string, read: { readonly code: number; readonly reason: string; readonly message: string }][] =
  [
    [409, status({ reason: 'Conflict', message: 'm', code: 409 }), { code: 409, reason: 'Conflict', message: 'm' }],
    // An eviction under two budgets has no reason, with upstream too.
    [500, status({ message: 'more than one', code: 500 }), { code: 500, reason: '', message: 'more than one' }],
    [500, status({}), { code: 500, reason: '', message: 'HTTP 500' }],
    [404, '', { code: 404, reason: 'NotFound', message: 'the server could not find the requested resource' }],
    [503, 'busy\n', { code: 503, reason: 'ServiceUnavailable', message: 'the server is currently unable to handle the request: busy' }],
    [418, '{"kind":"Pot"}', { code: 418, reason: '', message: 'the server responded with the status code 418: {"kind":"Pot"}' }],
    [
      500,
      '{broken',
      { code: 500, reason: 'InternalError', message: 'an error on the server has prevented the request from succeeding: {broken' },
    ],
  ]
for (const [code, body, read] of answers)
  test(`a client reads a failure: ${code} ${body.trim()}`, () => {
    const error = responseError(code, body)
    assert.deepEqual({ code: error.code, reason: error.reason, message: error.message }, read)
  })
