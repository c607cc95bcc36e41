import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { Endpoint } from '../../kinds/generated/types/discovery-v1.ts'
import { assignZones, zoneShares } from './topology-hints.ts'

const node = (zone: string | undefined, cpu: string, more: { isReady?: boolean; role?: string } = {}): Node => ({
  metadata: {
    name: 'n',
    labels: {
      ...(zone ? { 'topology.kubernetes.io/zone': zone } : {}),
      ...(more.role ? { [`node-role.kubernetes.io/${more.role}`]: '' } : {}),
    },
  },
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: more.isReady === false ? 'False' : 'True' }] },
})

const shares: readonly [string, readonly Node[], Readonly<Record<string, number>> | RegExp][] = [
  ['by the CPU of each zone', [node('a', '3'), node('b', '500m'), node('b', '500m')], { a: 0.75, b: 0.25 }],
  [
    'neither unready nodes nor those of the control plane count',
    [node('a', '1'), node('b', '1'), node('b', '9', { isReady: false }), node('a', '9', { role: 'control-plane' })],
    { a: 0.5, b: 0.5 },
  ],
  ['one zone', [node('a', '1'), node('a', '1')], /only ready in one zone/],
  ['a node without a zone', [node('a', '1'), node(undefined, '1')], /Insufficient Node information/],
]
for (const [title, nodes, expected] of shares)
  test(`shares: ${title}`, () => {
    const found = zoneShares(nodes)
    if (typeof found === 'string') assert.match(found, expected as RegExp)
    else assert.deepEqual(Object.fromEntries(found), expected)
  })

/** `aab!`: an endpoint each, with its zone; `!` after it: not ready; `-`: without a zone. */
function endpoints(text: string): Endpoint[] {
  return [...text.matchAll(/([a-z-])(!?)/g)].map(([, zone, isDown], i) => ({
    addresses: [`10.0.0.${i + 1}`],
    conditions: { ready: isDown === '' },
    ...(zone === '-' ? {} : { zone: zone! }),
  }))
}

const cases: readonly [string, string, Readonly<Record<string, number>>, string | RegExp][] = [
  ['each its own where that is fair', 'aabb', { a: 0.5, b: 0.5 }, 'aabb'],
  ['a zone with too many gives', 'aaaaab', { a: 0.5, b: 0.5 }, 'aaabbb'],
  ['a zone without any is given some', 'aaabbb', { a: 0.34, b: 0.33, c: 0.33 }, 'aacbbc'],
  ['what is not ready is for nobody', 'aab!bb', { a: 0.5, b: 0.5 }, 'aa bb'],
  ['too few', 'a', { a: 0.5, b: 0.5 }, /Insufficient number of endpoints \(1\)/],
  ['no fair share of whole endpoints', 'aabb', { a: 0.66, b: 0.01, c: 0.33 }, /exceeding overload threshold/],
  ['one without a zone', 'aab-', { a: 0.5, b: 0.5 }, /do not have a zone/],
]
for (const [title, text, share, expected] of cases)
  test(`zones: ${title}`, () => {
    const all = endpoints(text)
    const found = assignZones(all, new Map(Object.entries(share)))
    if (typeof found === 'string') assert.match(found, expected as RegExp)
    else assert.equal(all.map((endpoint) => found.get(endpoint) ?? ' ').join(''), expected)
  })
