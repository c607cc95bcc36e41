/** JSON patches: every operation, and what does not apply. */
import { type Case, create, namespaced, patch, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const services = namespaced('v1', 'services')
const one = `${configMaps}/one`
const made = create(configMaps, { metadata: { name: 'one', labels: { a: '1', 'x/y': 'slash' } }, data: { k: 'v', l: 'w' } })
const service = create(services, {
  metadata: { name: 'svc' },
  spec: {
    selector: { a: 'b' },
    ports: [
      { name: 'one', port: 1 },
      { name: 'two', port: 2 },
      { name: 'three', port: 3 },
    ],
  },
})

const onMap = (name: string, operations: unknown): Case => ({ name, steps: [made, patch('json', one, asBody(operations))] })
const onService = (name: string, operations: unknown): Case => ({
  name: `a list: ${name}`,
  steps: [service, patch('json', `${services}/svc`, asBody(operations))],
})
const asBody = (operations: unknown) => (typeof operations === 'string' ? operations : JSON.stringify(operations))
const raw = (name: string, request: Partial<Request>): Case => ({ name, steps: [made, { ...patch('json', one, '[]'), ...request }] })

export const cases: readonly Case[] = [
  onMap('add a field', [{ op: 'add', path: '/data/new', value: 'x' }]),
  onMap('add over a field', [{ op: 'add', path: '/data/k', value: 'x' }]),
  onMap('add below what is not there', [{ op: 'add', path: '/binaryData/k', value: 'eA==' }]),
  onMap('add without a value', [{ op: 'add', path: '/data/k' }]),
  onMap('remove a field', [{ op: 'remove', path: '/data/k' }]),
  onMap('remove what is not there', [{ op: 'remove', path: '/data/none' }]),
  onMap('remove below what is not there', [{ op: 'remove', path: '/none/none' }]),
  onMap('replace a field', [{ op: 'replace', path: '/data/k', value: 'x' }]),
  onMap('replace what is not there', [{ op: 'replace', path: '/data/none', value: 'x' }]),
  onMap('replace the whole by nothing', [{ op: 'replace', path: '', value: {} }]),
  onMap('move', [{ op: 'move', from: '/data/k', path: '/data/moved' }]),
  onMap('move what is not there', [{ op: 'move', from: '/data/none', path: '/data/moved' }]),
  onMap('move without from', [{ op: 'move', path: '/data/moved' }]),
  onMap('copy', [{ op: 'copy', from: '/data/k', path: '/data/copied' }]),
  onMap('copy what is not there', [{ op: 'copy', from: '/data/none', path: '/data/copied' }]),
  onMap('a test that holds', [
    { op: 'test', path: '/data/k', value: 'v' },
    { op: 'replace', path: '/data/k', value: 'x' },
  ]),
  onMap('a test that does not hold', [
    { op: 'test', path: '/data/k', value: 'other' },
    { op: 'replace', path: '/data/k', value: 'x' },
  ]),
  onMap('a test of what is not there', [{ op: 'test', path: '/data/none', value: 'v' }]),
  onMap('a test of nothing where there is nothing', [{ op: 'test', path: '/data/none', value: null }]),
  onMap('a test below what is not there', [{ op: 'test', path: '/none/none', value: null }]),
  onMap('a test of an object', [{ op: 'test', path: '/data', value: { l: 'w', k: 'v' } }]),
  onMap('a test of the whole', [{ op: 'test', path: '', value: {} }]),
  onMap('an escaped slash', [{ op: 'remove', path: '/metadata/labels/x~1y' }]),
  onMap('an escaped tilde', [{ op: 'test', path: '/metadata/labels/a~0b', value: null }]),
  onMap('no operation', []),
  onMap('an unknown operation', [{ op: 'increment', path: '/data/k' }]),
  onMap('no op', [{ path: '/data/k', value: 'x' }]),
  onMap('no path', [{ op: 'add', value: 'x' }]),
  onMap('a path that is no text', [{ op: 'add', path: 1, value: 'x' }]),
  onMap('a path without a slash', [{ op: 'add', path: 'data', value: {} }]),
  onMap('an object for the list', { op: 'add', path: '/data/k', value: 'x' }),
  onMap('a text for an operation', ['add']),
  onMap('null', null as unknown),
  onMap('no JSON', '[{"op":'),
  onMap('an empty body', ''),
  onMap('a wrong type', [{ op: 'replace', path: '/data', value: 'x' }]),
  onMap('a wrong type of an item', [{ op: 'add', path: '/data/k', value: 1 }]),
  onMap('another name', [{ op: 'replace', path: '/metadata/name', value: 'two' }]),
  onMap('another namespace', [{ op: 'replace', path: '/metadata/namespace', value: 'two' }]),
  onMap('another kind', [{ op: 'replace', path: '/kind', value: 'LimitRange' }]),
  onMap('another apiVersion', [{ op: 'replace', path: '/apiVersion', value: 'v2' }]),
  onMap('another uid', [{ op: 'replace', path: '/metadata/uid', value: 'other' }]),
  onMap('another resourceVersion', [{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }]),
  onMap('no resourceVersion', [
    { op: 'remove', path: '/metadata/resourceVersion' },
    { op: 'add', path: '/data/x', value: 'y' },
  ]),
  onMap('an unknown field', [{ op: 'add', path: '/unknown', value: 'x' }]),
  onMap('a test of the resourceVersion', [
    { op: 'test', path: '/metadata/resourceVersion', value: '{{0.metadata.resourceVersion}}' },
    { op: 'add', path: '/data/x', value: 'y' },
  ]),
  onMap('an unknown member of an operation', [{ op: 'add', path: '/data/x', value: 'y', why: 'z' }]),
  onMap('the name taken away', [{ op: 'remove', path: '/metadata/name' }]),
  onMap('the metadata taken away', [{ op: 'remove', path: '/metadata' }]),
  onMap('the kind taken away', [{ op: 'remove', path: '/kind' }]),
  onMap('ten thousand and one operations', `[${Array<string>(10_001).fill('{"op":"test","path":"/data/k","value":"v"}').join(',')}]`),
  onService('add before the second', [{ op: 'add', path: '/spec/ports/1', value: { name: 'new', port: 9 } }]),
  onService('add at the end', [{ op: 'add', path: '/spec/ports/-', value: { name: 'new', port: 9 } }]),
  onService('add at the length', [{ op: 'add', path: '/spec/ports/3', value: { name: 'new', port: 9 } }]),
  onService('add beyond the length', [{ op: 'add', path: '/spec/ports/4', value: { name: 'new', port: 9 } }]),
  onService('add at minus one', [{ op: 'add', path: '/spec/ports/-1', value: { name: 'new', port: 9 } }]),
  onService('add at what is no number', [{ op: 'add', path: '/spec/ports/x', value: { name: 'new', port: 9 } }]),
  onService('remove the first', [{ op: 'remove', path: '/spec/ports/0' }]),
  onService('remove the last by minus one', [{ op: 'remove', path: '/spec/ports/-1' }]),
  onService('remove beyond the length', [{ op: 'remove', path: '/spec/ports/3' }]),
  onService('remove the end', [{ op: 'remove', path: '/spec/ports/-' }]),
  onService('replace a field of an item', [{ op: 'replace', path: '/spec/ports/1/port', value: 22 }]),
  onService('replace beyond the length', [{ op: 'replace', path: '/spec/ports/9/port', value: 22 }]),
  onService('replace with a leading zero', [{ op: 'replace', path: '/spec/ports/01/port', value: 22 }]),
  onService('a test beyond the length', [{ op: 'test', path: '/spec/ports/9', value: null }]),
  onService('a test of an item', [{ op: 'test', path: '/spec/ports/0/port', value: 1 }]),
  onService('a test of a number as text', [{ op: 'test', path: '/spec/ports/0/port', value: '1' }]),
  onService('move an item', [{ op: 'move', from: '/spec/ports/0', path: '/spec/ports/2' }]),
  onService('copy an item to the end', [
    { op: 'copy', from: '/spec/ports/0', path: '/spec/ports/-' },
    { op: 'replace', path: '/spec/ports/3/name', value: 'four' },
    { op: 'replace', path: '/spec/ports/3/port', value: 4 },
  ]),
  onService('a number with a fraction', [{ op: 'replace', path: '/spec/ports/0/port', value: 1.5 }]),
  onService('below a scalar', [{ op: 'add', path: '/spec/ports/0/port/x', value: 1 }]),
  raw('what is not there', { path: `${configMaps}/none` }),
  raw('strict about an unknown field', {
    path: `${one}?fieldValidation=Strict`,
    body: '[{"op":"add","path":"/unknown","value":"x"},{"op":"add","path":"/metadata/odd","value":"x"}]',
  }),
  raw('ignoring an unknown field', { path: `${one}?fieldValidation=Ignore`, body: '[{"op":"add","path":"/unknown","value":"x"}]' }),
  raw('strict about an unknown member of an operation', {
    path: `${one}?fieldValidation=Strict`,
    body: '[{"op":"add","path":"/data/x","value":"y","why":"z"}]',
  }),
  raw('strict about a member that occurs twice', {
    path: `${one}?fieldValidation=Strict`,
    body: '[{"op":"add","path":"/data/x","path":"/data/y","value":"y"}]',
  }),
  raw('dry run', { path: `${one}?dryRun=All`, body: '[{"op":"add","path":"/data/x","value":"y"}]' }),
  raw('forced', { path: `${one}?force=true`, body: '[{"op":"add","path":"/data/x","value":"y"}]' }),
]
