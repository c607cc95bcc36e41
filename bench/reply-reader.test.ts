import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplyReader } from './reply-reader.ts'

const replies = {
  'of a known length': { text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', code: 200, body: 'hello' },
  'without a body': { text: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', code: 200, body: '' },
  'in chunks': {
    text: 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n\n\r\nC\r\nand\r\nthe end\r\n0\r\n\r\n',
    code: 201,
    body: 'hello\nand\r\nthe end',
  },
  'in chunks, with a field at its end': {
    text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nsum: 1\r\n\r\n',
    code: 200,
    body: 'ok',
  },
}

for (const [title, { text, code, body }] of Object.entries(replies)) {
  test(`a reply ${title} is read whole, however it is cut, and so is the next one`, () => {
    const bytes = Buffer.from(text)
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new ReplyReader()
      for (let turn = 0; turn < 2; turn++) {
        for (let at = 0; at < bytes.length; at += size) {
          const reply = reader.push(bytes.subarray(at, at + size))
          if (at + size < bytes.length) assert.equal(reply, undefined)
          else assert.deepEqual({ code: reply?.code, body: reply?.body.toString() }, { code, body })
        }
      }
    }
  })
}
