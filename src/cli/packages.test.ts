import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MachineFacts, type PackagePlan, containerNeeds, planPackages } from './packages.ts'

const nft = containerNeeds.filter((n) => n.package === 'nftables')

function check(title: string, facts: MachineFacts, expected: (plan: PackagePlan) => void): void {
  test(title, () => expected(planPackages(facts)))
}

check('does nothing when every program is there', { missing: [], isRoot: true, hasApt: true }, (plan) =>
  assert.deepEqual(plan, { type: 'nothing' }),
)

check('installs what is missing and says what for', { missing: nft, isRoot: true, hasApt: true }, (plan) => {
  assert.equal(plan.type, 'install')
  assert.deepEqual(plan.type === 'install' && plan.packages, ['nftables'])
  assert.match(plan.type === 'install' ? plan.message : '', /nftables \(carries the service network\)/)
})

check('without root names what still works', { missing: [], isRoot: false, hasApt: true }, (plan) => {
  assert.equal(plan.type, 'refuse')
  assert.match(plan.type === 'refuse' ? plan.nextStep : '', /--runtime fake/)
})

check('without root names what would have to be installed', { missing: nft, isRoot: false, hasApt: true }, (plan) =>
  assert.match(plan.type === 'refuse' ? plan.nextStep : '', /after installing nftables/),
)

check('without apt names exactly what is missing', { missing: nft, isRoot: true, hasApt: false }, (plan) =>
  assert.match(plan.type === 'refuse' ? plan.message : '', /^missing: nftables/),
)
