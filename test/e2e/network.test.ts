// The network as pods see it, on two nodes, by the texts of the conformance suite.
import { after, before, describe, test } from 'node:test'
import { dnsCases } from './network-dns-cases.ts'
import { reachCases } from './network-reach-cases.ts'
import { serviceCases } from './network-service-cases.ts'
import { type NetworkWorld, startNetworkWorld } from './network-world.ts'

let world: NetworkWorld

before(async () => {
  world = await startNetworkWorld()
})
after(() => world?.close())

/** Enough that waiting costs nothing, and no more than a small machine carries. */
const atOnce = 16

describe('on two nodes', { concurrency: atOnce }, () => {
  for (const { title, run } of [...dnsCases, ...serviceCases, ...reachCases]) test(title, () => run(world))
})
