/** What becomes of definitions: names that others have, objects that stay, conversions that fail. */
import { definitions, ofSpec, version } from '../custom-objects.ts'
import { type Case, create, namespaced, patch, read, remove, type Request } from '../upstream-case.ts'

const schema = ofSpec({ a: { type: 'string' } })
type Names = Readonly<Record<string, unknown>>
const definition = (group: string, names: Names, more: object = {}, metadata: object = {}) => ({
  metadata: { name: `${String(names.plural)}.${group}`, ...metadata },
  spec: { group, scope: 'Namespaced', names, versions: [version(schema)], ...more },
})
const one = { plural: 'ones', singular: 'one', kind: 'One', listKind: 'OneList', shortNames: ['o', 'oo'], categories: ['c'] }
const nameOf = (group: string, plural: string) => `${definitions}/${plural}.${group}`
const seen = (path: string, until: string): Request => ({ ...read(path), until })

/** A definition beside that of `One` in a group of its own; `until` is in its status once it has been judged. */
function beside(name: string, names: Names, until: string, ...more: readonly Request[]): Case {
  const group = `${name.replaceAll(' ', '-')}.names.example.com`
  const given = [create(definitions, definition(group, one)), seen(nameOf(group, 'ones'), 'InitialNamesAccepted')]
  const own = nameOf(group, String(names.plural))
  return { name, given, steps: [create(definitions, definition(group, names)), seen(own, until), ...more] }
}

const conflicts: readonly Case[] = [
  beside('no conflict', { plural: 'twos', kind: 'Two' }, '"InitialNamesAccepted"'),
  beside('the kind', { plural: 'twos', kind: 'One', listKind: 'TwoList' }, '"NotAccepted"'),
  beside('the kind of lists', { plural: 'twos', kind: 'Two', listKind: 'OneList' }, '"NotAccepted"'),
  beside('the kind is another list', { plural: 'twos', kind: 'OneList', listKind: 'TwoList' }, '"NotAccepted"'),
  beside('the singular', { plural: 'twos', singular: 'one', kind: 'Two' }, '"NotAccepted"'),
  beside('a plural that is a short name', { plural: 'oo', singular: 'two', kind: 'Two' }, '"NotAccepted"'),
  beside('short names', { plural: 'twos', kind: 'Two', shortNames: ['o', 'oo', 't'] }, '"NotAccepted"'),
  beside('much', { plural: 'twos', singular: 'ones', kind: 'One', listKind: 'OneList', shortNames: ['o'] }, '"NotAccepted"'),
]

const freed = 'freed.names.example.com'
const later: readonly Case[] = [
  {
    name: 'names that are given back',
    given: [
      create(definitions, definition(freed, one)),
      seen(nameOf(freed, 'ones'), 'InitialNamesAccepted'),
      create(definitions, definition(freed, { plural: 'twos', kind: 'One', listKind: 'TwoList' })),
      seen(nameOf(freed, 'twos'), 'NotAccepted'),
      remove(nameOf(freed, 'ones')),
    ],
    steps: [seen(nameOf(freed, 'twos'), '"InitialNamesAccepted"')],
  },
  {
    name: 'names that are asked for later',
    given: [
      create(definitions, definition('later.names.example.com', one)),
      create(definitions, definition('later.names.example.com', { plural: 'twos', kind: 'Two' })),
      seen(nameOf('later.names.example.com', 'ones'), 'InitialNamesAccepted'),
      seen(nameOf('later.names.example.com', 'twos'), 'InitialNamesAccepted'),
    ],
    steps: [
      patch('merge', nameOf('later.names.example.com', 'twos'), { spec: { names: { shortNames: ['o'] } } }),
      seen(nameOf('later.names.example.com', 'twos'), '"ShortNamesConflict"'),
      patch('merge', nameOf('later.names.example.com', 'twos'), { spec: { names: { shortNames: ['t'] } } }),
      seen(nameOf('later.names.example.com', 'twos'), '"NoConflicts"'),
    ],
  },
]

const kept = 'kept.names.example.com'
const keptObjects = namespaced(`${kept}/v1`, 'ones')
const ended: readonly Case[] = [
  {
    name: 'objects that stay',
    given: [
      create(definitions, definition(kept, one)),
      { ...read(keptObjects), until: 200 },
      create(keptObjects, { apiVersion: `${kept}/v1`, kind: 'One', metadata: { name: 'stays', finalizers: ['a.b/c'] } }),
      create(keptObjects, { apiVersion: `${kept}/v1`, kind: 'One', metadata: { name: 'goes' } }),
    ],
    steps: [
      remove(nameOf(kept, 'ones')),
      seen(nameOf(kept, 'ones'), '"InstanceDeletion'),
      create(keptObjects, { apiVersion: `${kept}/v1`, kind: 'One', metadata: { name: 'new' } }),
      { ...read(`${keptObjects}/goes`), until: 404 },
      read(`${keptObjects}/stays`),
      patch('merge', `${keptObjects}/stays`, { metadata: { finalizers: null } }),
      { ...read(nameOf(kept, 'ones')), until: 404 },
      { ...read(keptObjects), until: 404 },
    ],
  },
]

const converted = 'converted.names.example.com'
const conversion = {
  strategy: 'Webhook',
  webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://127.0.0.1:1/convert' } },
}
const versions = [version(schema), version(schema, { name: 'v2', storage: false })]
const away: readonly Case[] = [
  {
    name: 'a conversion that nobody makes',
    given: [
      create(definitions, definition(converted, one, { conversion, versions })),
      { ...read(namespaced(`${converted}/v1`, 'ones')), until: 200 },
      create(namespaced(`${converted}/v1`, 'ones'), { apiVersion: `${converted}/v1`, kind: 'One', metadata: { name: 'o' } }),
    ],
    steps: [
      read(`${namespaced(`${converted}/v2`, 'ones')}/o`),
      read(namespaced(`${converted}/v2`, 'ones')),
      create(namespaced(`${converted}/v2`, 'ones'), { apiVersion: `${converted}/v2`, kind: 'One', metadata: { name: 'p' } }),
      read(`${namespaced(`${converted}/v1`, 'ones')}/o`),
    ],
  },
]

export const cases: readonly Case[] = [...conflicts, ...later, ...ended, ...away]
