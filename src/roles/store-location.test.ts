import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatStoreLocation, parseStoreLocation } from './store-location.ts'

const check = (text: string, expected: object | RegExp) => {
  if (expected instanceof RegExp) assert.throws(() => parseStoreLocation(text), expected)
  else assert.deepEqual(parseStoreLocation(text), expected)
}

test('a store is named by its members, a root and the files of its TLS', () => {
  check('etcd://a:2379', { endpoints: ['a:2379'], root: '/keelson', tls: undefined })
  check('etcd://10.0.0.1:1,[::1]:2/prod/', { endpoints: ['10.0.0.1:1', '[::1]:2'], root: '/prod', tls: undefined })
  check('etcd://a:1?cacert=ca&cert=c&key=k', { endpoints: ['a:1'], root: '/keelson', tls: { ca: 'ca', certificate: 'c', key: 'k' } })
})

test('what is no such name is refused in one sentence', () => {
  check('sqlite:x', /cannot use --store sqlite:x: write it like etcd:/)
  check('etcd://a', /"a" is not HOST:PORT/)
  check('etcd://a:99999', /is not HOST:PORT/)
  check('etcd://a:1?ca=x', /there is no parameter "ca"/)
  check('etcd://a:1?cert=x', /cert and key go together/)
})

test('what is written is read as the same', () => {
  for (const text of ['etcd://a:2379/keelson', 'etcd://a:1,[::1]:2/prod?cacert=%2Fpki%2Fca.crt&cert=%2Fa+b%2Fc&key=k'])
    assert.equal(formatStoreLocation(parseStoreLocation(text)), text)
})
