import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerSpec, SandboxSpec } from '../contract.ts'
import { type FakeBehaviour, fakeBehaviourOf, runsForever } from './fake-behaviour.ts'

type Said = { readonly annotation?: string; readonly image?: string; readonly command?: readonly string[]; readonly isAwaited?: boolean }
const behaviourOf = ({ annotation, image = 'web:1', command = [], isAwaited = false }: Said): FakeBehaviour =>
  fakeBehaviourOf(
    { name: 'c', userImage: image, command, args: [] as readonly string[], isAwaited } as ContainerSpec,
    { annotations: annotation === undefined ? {} : { 'fake.keelson.dev/c': annotation } } as unknown as SandboxSpec,
  )

const said: readonly [Said, Partial<FakeBehaviour>][] = [
  [{}, {}],
  [{ command: ['nginx'] }, {}],
  [{ command: ['migrate', '--all'], isAwaited: true }, { exitAfterMs: 0 }],
  [{ command: ['sleep', '3'], isAwaited: true }, { exitAfterMs: 3_000 }],
  [{ annotation: '{}', isAwaited: true }, {}],
  [{ command: ['/bin/false'] }, { exitAfterMs: 0, exitCode: 1 }],
  [{ command: ['sh', '-c', 'echo "a b"; sleep 2 && exit 3'] }, { exitAfterMs: 2_000, exitCode: 3, output: ['a b'] }],
  [{ command: ['sh', '-c', 'echo a; nginx'] }, {}],
  [
    { image: 'registry.example/fake-exit:4-300', command: ['true'] },
    { exitAfterMs: 300, exitCode: 4 },
  ],
  [
    { annotation: '{"exitAfterMs":5,"output":["x"],"exitCodeOnTerm":null,"exitCode":null}', image: 'fake-oom:1' },
    {
      exitAfterMs: 5,
      output: ['x'],
      exitCodeOnTerm: undefined,
    },
  ],
]
for (const [given, expected] of said)
  test(`a simulated container does what is said: ${JSON.stringify(given)}`, () => {
    assert.deepEqual(behaviourOf(given), { ...runsForever, ...expected })
  })

const wrong: readonly [string, RegExp][] = [
  ['{oops', /annotation fake\.keelson\.dev\/c is not JSON/],
  ['[]', /is not a JSON object/],
  ['{"exitAfter":5}', /has no field "exitAfter": it takes exitAfterMs, /],
  ['{"exitAfterMs":"soon"}', /exitAfterMs cannot be "soon"/],
  ['{"output":"x"}', /output cannot be "x"/],
  ['{"toString":1}', /has no field "toString"/],
]
for (const [annotation, reason] of wrong)
  test(`an annotation that says nothing is told of: ${annotation}`, () => assert.throws(() => behaviourOf({ annotation }), reason))
