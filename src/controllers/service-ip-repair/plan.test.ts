import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceAddress } from '../../kinds/networking/service-addresses.ts'
import { planAddress } from './plan.ts'

const holder = (name: string) => ({ metadata: { name, namespace: 'd' }, spec: { clusterIP: '10.96.0.9' } })
const ranges = [{ metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/12'] } }]

type Input = { readonly object?: string; readonly holders?: readonly string[]; readonly address?: string }
const cases: readonly [string, Input, string][] = [
  ['in step', { object: 'a', holders: ['a'] }, 'none'],
  ['nothing at all', {}, 'none'],
  ['no object', { holders: ['a'] }, 'create'],
  ['no holder', { object: 'a' }, 'remove IPAddressNotAllocated'],
  ['named another', { object: 'b', holders: ['a'] }, 'remove IPAddressWrongReference'],
  ['two hold it', { object: 'a', holders: ['a', 'b'] }, 'tell ClusterIPAlreadyAllocated'],
  ['outside of every range', { holders: ['a'], address: '192.168.0.9' }, 'tell ClusterIPOutOfRange'],
]
for (const [title, { object, holders = [], address = '10.96.0.9' }, expected] of cases)
  test(title, () => {
    const step = planAddress({
      address,
      object: object === undefined ? undefined : serviceAddress(address, { namespace: 'd', name: object }),
      holders: holders.map(holder),
      ranges,
    })
    assert.equal('reason' in step ? `${step.type} ${step.reason}` : step.type, expected)
  })
