import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configMaps } from '../../kinds/core/config-map.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'
import { admissionChain, type Judged } from './chain.ts'

/** Only these of a request are asked for here. */
const request = { operation: 'CREATE', kind: configMaps, subresource: '' } as unknown as AdmissionRequest

/** Plugins that each let so much time pass, at once or after a wait; and what was told of them. */
function chainOf(plugins: readonly { name: string; ms: number; waits?: boolean; refuses?: boolean }[]) {
  let nowMs = 100
  const told: string[] = []
  const judged = (name: string): Judged => ({
    passed: (ms) => void told.push(`${name} ${ms}`),
    refused: (ms) => void told.push(`${name} refused ${ms}`),
  })
  const admit =
    ({ ms, waits = false, refuses = false }: (typeof plugins)[number]) =>
    (): Promise<void> | void => {
      const end = () => {
        nowMs += ms
        if (refuses) throw new Error('no')
      }
      return waits ? Promise.resolve().then(end) : end()
    }
  const list = plugins.map(
    (plugin): AdmissionPlugin => ({ name: plugin.name, handles: () => true, admit: admit(plugin), validate: admit(plugin) }),
  )
  const observer = { now: () => nowMs, judgedBy: judged, stepped: (step: string, operation: string) => judged(`${step} ${operation}`) }
  return { chain: admissionChain(list, observer), bare: admissionChain(list), told }
}

test('each plugin is told of with its own time, the step with that of all', async () => {
  const { chain, told } = chainOf([
    { name: 'a', ms: 1 },
    { name: 'b', ms: 2, waits: true },
    { name: 'c', ms: 4 },
  ])
  await chain.admit(request)
  assert.deepEqual(told.splice(0), ['a 1', 'b 2', 'c 4', 'admit CREATE 7'])
  await chain.validate(request)
  assert.deepEqual(told, ['a 1', 'b 2', 'c 4', 'validate CREATE 7'])
})

for (const waits of [false, true])
  test(`a refusal ends the step, ${waits ? 'after a wait' : 'at once'}`, async () => {
    const { chain, bare, told } = chainOf([
      { name: 'a', ms: 1 },
      { name: 'b', ms: 2, waits, refuses: true },
      { name: 'c', ms: 4 },
    ])
    for (const step of ['admit', 'validate'] as const) {
      await assert.rejects(async () => chain[step](request), /^Error: no$/)
      assert.deepEqual(told.splice(0), ['a 1', 'b refused 2', `${step} CREATE refused 3`])
      await assert.rejects(async () => bare[step](request), /^Error: no$/)
    }
    assert.deepEqual(told, [])
  })

test('where nobody waits, nobody waits for the step', () => {
  const { chain, bare } = chainOf([{ name: 'a', ms: 1 }])
  assert.equal(chain.admit(request), undefined)
  assert.equal(chain.validate(request), undefined)
  assert.equal(bare.admit(request), undefined)
})
