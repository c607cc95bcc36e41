import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NetworkChoice } from '../cli/machine.ts'
import { clusterNetworkOf, defaultClusterNetwork, ofOneFamily } from './cluster-network.ts'

test('the API and the DNS have the first and the tenth address of the services', () => {
  assert.deepEqual(clusterNetworkOf({ podCidr: '172.20.0.0/16', serviceCidr: '172.21.0.0/20', domain: 'lab.example' }), {
    podCidr: '172.20.0.0/16',
    serviceCidr: '172.21.0.0/20',
    apiServiceAddress: '172.21.0.1',
    dnsAddress: '172.21.0.10',
    domain: 'lab.example',
  })
  assert.equal(defaultClusterNetwork.dnsAddress, '10.96.0.10')
})

test('pods and services may have addresses of both families', () => {
  const { apiServiceAddress, dnsAddress } = clusterNetworkOf({
    podCidr: '10.244.0.0/16,fd00:10:244::/56',
    serviceCidr: '10.96.0.0/12,fd00:10:96::/112',
  })
  assert.deepEqual([apiServiceAddress, dnsAddress], ['10.96.0.1', '10.96.0.10'])
  const turned = clusterNetworkOf({ podCidr: 'fd00:10:244::/56,10.244.0.0/16', serviceCidr: 'fd00:10:96::/112,10.96.0.0/12' })
  assert.equal(turned.apiServiceAddress, 'fd00:10:96::1')
  assert.throws(() => ofOneFamily(turned), /for simulated nodes alone/)
  assert.equal(ofOneFamily(defaultClusterNetwork), defaultClusterNetwork)
})

const refuses = (choice: NetworkChoice, message: RegExp): void => {
  test(`refuses ${JSON.stringify(choice)}`, () => assert.throws(() => clusterNetworkOf(choice), { exitCode: 2, message }))
}

refuses({ podCidr: 'nonsense' }, /--cluster-cidr nonsense: give an IPv4 range/)
refuses({ podCidr: 'fd00::/48' }, /IPv4/)
refuses({ podCidr: '10.244.0.0/16,fd00::/48' }, /differ in families: give both the same/)
refuses({ podCidr: '10.244.0.0/16,10.245.0.0/16' }, /one range, or one of each family/)
refuses({ podCidr: '10.244.0.0/16,fd00::/64', serviceCidr: '10.96.0.0/12,fd01::/112' }, /from 48 to 63: each node takes a \/64/)
refuses({ podCidr: '10.244.0.0/16,fd00::/48', serviceCidr: '10.96.0.0/12,fd00::/112' }, /overlap/)
refuses({ podCidr: '10.244.0.0/24' }, /from 8 to 23: each node takes a \/24/)
refuses({ podCidr: '0.0.0.0/0' }, /from 8 to 23/)
refuses({ podCidr: '10.244.7.0/16' }, /the range begins at 10\.244\.0\.0\/16/)
refuses({ serviceCidr: '10.0.0.0/29' }, /--service-cluster-ip-range 10\.0\.0\.0\/29: its prefix must be from 8 to 28/)
refuses({ podCidr: '10.0.0.0/8' }, /overlap/)
refuses({ serviceCidr: '10.244.128.0/20' }, /overlap/)
refuses({ domain: 'Not A Name' }, /--cluster-domain Not A Name/)
