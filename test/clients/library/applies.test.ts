/** Random applies and updates of built-in kinds by three managers: who owns what, and which conflicts there are, as upstream's library says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import definitions from '../../../src/kinds/generated/schemas.json' with { type: 'json' }
import { applyServerSide } from '../../../src/machinery/apply/apply-server-side.ts'
import { updateManagedFields } from '../../../src/machinery/apply/update-managed-fields.ts'
import type { KubeObject } from '../../../src/machinery/object.ts'
import type { Schema } from '../../../src/machinery/schema/schema-node.ts'
import { loadSchemas } from '../../../src/machinery/schema/schema-set.ts'
import { StatusError } from '../../../src/machinery/status-error.ts'
import { askLibrary, missing } from './library.ts'
import { randomOriginal, structs } from './strategic-cases.ts'

const cases = 1_500
const schemas = loadSchemas(definitions as unknown as Record<string, Schema>)
const random = seededRandom(36)
const oneOf = <T>(all: readonly T[]): T => all[random.below(all.length)]!

type Step = { readonly manager: string; readonly force: boolean; readonly applies: boolean; readonly object: KubeObject }

/** Without what is empty: that is not stored. */
function full(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .map(([key, field]) => [key, full(field)] as const)
    .filter(([, field]) => field !== undefined)
  if (kept.length === 0) return undefined
  return Array.isArray(value) ? kept.map(([, field]) => field) : Object.fromEntries(kept)
}

type Loose = Record<string, Record<string, Record<string, Record<string, unknown>>>>

/** What a server always has in an object: upstream holds it by value, so that it is never gone. */
function randomObject(type: string): KubeObject {
  const made = (full(randomOriginal(random, structs[type]!.shape)) ?? {}) as Loose
  const containers = [{ name: 'a' }]
  if (type === 'Pod') made.spec = { containers, ...made.spec } as never
  if (type === 'Deployment') {
    const { metadata, spec } = made.spec?.template ?? {}
    made.spec = { ...made.spec, template: { metadata: { labels: { t: 't' }, ...metadata }, spec: { containers, ...spec } } }
  }
  const apiVersion = type === 'Deployment' ? 'apps/v1' : 'v1'
  return { apiVersion, kind: type, ...made, metadata: { ...made.metadata, name: 'x', namespace: 'n' } } as unknown as KubeObject
}

function play(type: string, steps: readonly Step[], check: (step: number, told: string) => void): void {
  let live: KubeObject | undefined
  for (const [i, { manager, force, applies, object }] of steps.entries()) {
    // Untracked objects stay so by their uid, which the library's have not.
    if (!applies && live && !live.metadata.managedFields?.length) return
    const operation = { schema: schemas.lookup(structs[type]!.schema), apiVersion: object.apiVersion!, manager, force, subresource: '' }
    try {
      const next = changed(live, object, { ...operation, now: '2024-01-01T00:00:00Z', applies })
      check(i, ownersOf(next))
      live = next
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      check(i, `error: ${error.message}`)
    }
  }
}

function changed(
  live: KubeObject | undefined,
  object: KubeObject,
  { applies, ...operation }: Parameters<typeof applyServerSide>[2] & { readonly applies: boolean },
): KubeObject {
  const next = applies ? applyServerSide(live, object, operation) : object
  const managedFields = applies ? next.metadata.managedFields : updateManagedFields(live, next, operation)
  const { managedFields: _, ...metadata } = next.metadata
  const stored = full({ ...next, metadata }) as KubeObject
  return { ...stored, metadata: { ...stored.metadata, ...(managedFields ? { managedFields } : {}) } }
}

const ownersOf = ({ metadata }: KubeObject) =>
  (metadata.managedFields ?? []).map((one) => `${one.manager} ${one.operation} ${JSON.stringify(inOrder(one.fieldsV1))}`).join('\n')

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(fields.map(([name, field]) => [name, inOrder(field)]))
}

/** The library tells several faults in any order. */
const lines = (text: string) => text.split('\n').sort().join('\n')

test('three managers own what upstream’s library says, and conflict where it says', { skip: missing }, () => {
  const made = Array.from({ length: cases }, () => {
    const type = oneOf(Object.keys(structs))
    const steps = Array.from({ length: 2 + random.below(4) }, (_, i): Step => {
      const [manager, force, applies] = [oneOf(['a', 'b', 'c']), random.below(2) === 0, i === 0 || random.below(10) < 7]
      return { manager, force, applies, object: randomObject(type) }
    })
    return { type, steps }
  })
  const answers = askLibrary(made.map(({ type, steps }) => ({ ask: 'applies', type, list: steps.map((step) => JSON.stringify(step)) })))
  for (const [i, { type, steps }] of made.entries()) {
    const told = JSON.parse(answers[i]![0]!.text!) as string[]
    play(type, steps, (step, ours) =>
      assert.equal(
        lines(ours),
        lines(told[step]!),
        steps
          .slice(0, step + 1)
          .map((one) => JSON.stringify(one))
          .join('\n'),
      ),
    )
  }
})
