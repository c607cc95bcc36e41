import assert from 'node:assert/strict'
import { test } from 'node:test'
import { knownControllers } from './all.ts'
import { controllerName, isEnabled, unknownController } from './controller-names.ts'

const cases: readonly (readonly [name: string, list: readonly string[] | undefined, isOn: boolean])[] = [
  ['job', undefined, true],
  ['job', ['*'], true],
  ['job', [], false],
  ['job', ['*', '-job-controller'], false],
  ['job', ['-job', '*'], false],
  ['cronjob', ['job'], false],
  ['job', ['job', '-job'], true],
  ['pod-garbage-collector', ['*', '-podgc'], false],
  ['persistent-volume-binder', ['persistentvolume-binder-controller'], true],
]
for (const [name, list, isOn] of cases) test(`${name} by ${list?.join()}: ${isOn}`, () => assert.equal(isEnabled(name, list), isOn))

test('no two controllers have one name', () => {
  const names = knownControllers().map(controllerName)
  assert.deepEqual(names, [...new Set(names)])
})

test('what names no controller is found', () => {
  assert.equal(unknownController(['*', '-job', 'nodeipam', 'depends-on-controller'], knownControllers()), undefined)
  assert.equal(unknownController(['*', '-route'], knownControllers()), '-route')
})
