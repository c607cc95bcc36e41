import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHostPorts, elementsOf, listedElements } from './host-ports.ts'

test('a port of every address and one of a single address go to their maps', () => {
  assert.deepEqual(
    elementsOf('10.244.0.5', [
      { protocol: 'TCP', containerPort: 80, hostPort: 8080, hostIp: '' },
      { protocol: 'UDP', containerPort: 53, hostPort: 5353, hostIp: '192.0.2.1' },
    ]),
    [
      { set: 'everywhere', key: 'tcp . 8080', value: '10.244.0.5 . 80' },
      { set: 'addressed', key: '192.0.2.1 . udp . 5353', value: '10.244.0.5 . 53' },
      { set: 'hairpins', key: '10.244.0.5 . 10.244.0.5', value: '' },
    ],
  )
})

const listedMap = [
  { metainfo: {} },
  { map: { elem: [[{ elem: { val: { concat: ['tcp', 8080] }, comment: 'sandbox-1' } }, { concat: ['10.244.0.5', 80] }]] } },
]

test('what nft lists is read back with its owner', () => {
  assert.deepEqual(listedElements('everywhere', listedMap), [
    { sandboxId: 'sandbox-1', set: 'everywhere', key: 'tcp . 8080', value: '10.244.0.5 . 80' },
  ])
  assert.deepEqual(
    listedElements('hairpins', [{ set: { elem: [{ elem: { val: { concat: ['10.244.0.5', '10.244.0.5'] }, comment: 's' } }] } }]),
    [{ sandboxId: 's', set: 'hairpins', key: '10.244.0.5 . 10.244.0.5', value: '' }],
  )
})

test('after a restart a sandbox is closed by what the kernel holds, and one without ports costs nothing', async () => {
  const applied: string[] = []
  const ports = createHostPorts({
    nft: { apply: async (text) => void applied.push(text), list: async (args) => (args.includes('everywhere') ? listedMap : []) },
  })
  await ports.close('another')
  assert.deepEqual(applied, [])
  await ports.close('sandbox-1')
  await ports.close('sandbox-1')
  assert.deepEqual(applied, ['delete element ip keelson-ports everywhere { tcp . 8080 }\n'])
})

test('a port that a vanished sandbox left behind is taken over', async () => {
  const applied: string[] = []
  const ports = createHostPorts({
    nft: { apply: async (text) => void applied.push(text), list: async (args) => (args.includes('everywhere') ? listedMap : []) },
  })
  await ports.open('sandbox-2', '10.244.0.9', [{ protocol: 'TCP', containerPort: 81, hostPort: 8080, hostIp: '0.0.0.0' }])
  assert.equal(
    applied[0],
    `delete element ip keelson-ports everywhere { tcp . 8080 }
add element ip keelson-ports everywhere { tcp . 8080 comment "sandbox-2" : 10.244.0.9 . 81 }
add element ip keelson-ports hairpins { 10.244.0.9 . 10.244.0.9 comment "sandbox-2" }
`,
  )
})
