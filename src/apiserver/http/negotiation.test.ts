import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../../machinery/status-error.ts'
import { negotiate } from './negotiation.ts'

const table = 'as=Table;v=v1;g=meta.k8s.io'
const json = 'application/json'
const protobuf = 'application/vnd.kubernetes.protobuf'

test('the best form that can be given is chosen', () => {
  const check = (accept: string | undefined, expected: string, allowsTable = true) => {
    const { encoding, as, version } = negotiate(accept, { pretty: undefined, agent: 'kubectl/v1.36.0', allowsTable })
    assert.equal([encoding, as, as && version].filter(Boolean).join(' '), expected, String(accept))
  }
  check(undefined, 'json')
  check('*/*', 'json')
  check('application/yaml', 'yaml')
  check(protobuf, 'protobuf')
  check(`${protobuf},${json}`, 'json')
  check(`${protobuf},${json};q=0.9`, 'protobuf')
  check(`${json};${table}`, 'json Table v1')
  check(`${json};as=Table;v=v1beta1;g=meta.k8s.io`, 'json Table v1beta1')
  check(`${json};${table},${json}`, 'json', false)
  check(`${protobuf};${table},${json};${table},${json}`, 'json Table v1')
  check(`application/yaml;${table}`, 'yaml Table v1')
  check(`${protobuf};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`, 'protobuf PartialObjectMetadataList v1')
  check(`${json};as=Nothing;v=v1;g=meta.k8s.io,application/yaml`, 'yaml')
})

test('what a person reads is indented, and what says so in a word that Go takes for true', () => {
  const check = (pretty: string | undefined, agent: string, expected: boolean) =>
    assert.equal(Boolean(negotiate('*/*', { pretty, agent, allowsTable: false }).isPretty), expected, `${pretty} ${agent}`)
  check(undefined, 'curl/8', true)
  check('', 'curl/8', true)
  check(undefined, 'kubectl/v1', false)
  for (const pretty of ['1', 't', 'true', 'True', 'TRUE']) check(pretty, 'kubectl/v1', true)
  for (const pretty of ['0', 'false', 'False', 'yes']) check(pretty, 'curl/8', false)
})

test('no form at all is 406', () => {
  const check = (accept: string, allowsTable: boolean) =>
    assert.throws(
      () => negotiate(accept, { pretty: undefined, agent: '', allowsTable }),
      (error) => error instanceof StatusError && error.code === 406 && error.reason === 'NotAcceptable',
    )
  check('image/png', true)
  check(`${json};${table}`, false)
  check(`${protobuf};${table}`, true)
  check('application/cbor', true)
})
