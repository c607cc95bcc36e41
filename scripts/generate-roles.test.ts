import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bootstrapPolicy } from '../src/apiserver/authz/bootstrap-policy.ts'
import { aggregatedRules } from '../src/controllers/clusterrole-aggregation/plan.ts'
import { loopRulesFile, loopRulesText } from './generate-roles.ts'

test('the roles that every cluster begins with allow what the loops declare, and no more', () => {
  assert.equal(readFileSync(loopRulesFile, 'utf8'), loopRulesText(), 'npm run generate:roles writes them anew')
})

test('aggregated roles begin with what the loop would give them', () => {
  const { clusterRoles } = bootstrapPolicy()
  for (const role of clusterRoles) assert.equal(aggregatedRules(role, clusterRoles), undefined, role.metadata.name ?? '')
})
