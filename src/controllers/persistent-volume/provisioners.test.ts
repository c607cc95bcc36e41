import assert from 'node:assert/strict'
import { test } from 'node:test'
import { provisionerOf } from './provisioners.ts'

const cases: [string, object][] = [
  ['example.com/nfs', { kind: 'External', name: 'example.com/nfs' }],
  ['kubernetes.io/aws-ebs', { kind: 'External', name: 'ebs.csi.aws.com' }],
  [
    'kubernetes.io/host-path',
    {
      kind: 'Absent',
      isNamed: true,
      message: 'Failed to create provisioner: provisioning in volume plugin "kubernetes.io/host-path" is disabled',
    },
  ],
  [
    'kubernetes.io/no-provisioner',
    { kind: 'Absent', isNamed: false, message: 'no volume plugin matched name: kubernetes.io/no-provisioner' },
  ],
]
for (const [name, expected] of cases)
  test(`the volumes of ${name} are made by ${JSON.stringify(expected)}`, () => assert.deepEqual(provisionerOf(name), expected))
