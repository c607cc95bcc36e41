/** Requests as a client gone wild would send them: every verb, kind, format and parameter, from nearly right to noise. */
import type { Random } from '../../src/base/random.ts'
import { allKinds } from '../../src/kinds/all.ts'
import protobufFacts from '../../src/kinds/generated/protobuf.json' with { type: 'json' }
import { defineKind } from '../../src/kinds/define-kind.ts'
import type { KindDefinition } from '../../src/kinds/kind.ts'
import { createProtobufCodec } from '../../src/machinery/wire/protobuf.ts'
import { formatYaml } from '../../src/machinery/yaml-writer.ts'
import { validObjects } from './valid-objects.ts'
import { anything, broken, madeObject, names, pick, words } from './object-maker.ts'

export type FuzzRequest = {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: Uint8Array | undefined
}

export const protobuf = createProtobufCodec(protobufFacts as unknown as Parameters<typeof createProtobufCodec>[0])

/** A custom kind in two versions, which the cluster of the test has. */
const customKinds = ['v1', 'v2'].map((version) => ({
  ...defineKind({ group: 'fuzz.example.com', version, kind: 'Thing' }),
  subresources: ['status', 'scale'].map((name) => ({
    name,
    group: 'fuzz.example.com',
    version,
    kind: 'Thing',
    verbs: ['get', 'update', 'patch'],
  })),
}))
const kinds: readonly KindDefinition[] = [...allKinds, ...customKinds]
const usualKinds = kinds.filter((kind) => `${kind.group}/${kind.plural}` in validObjects)
const namespaces = ['fuzz', 'fuzz', 'fuzz', 'fuzz', 'fuzz', 'fuzz', 'fuzz', 'default', 'missing'] as const
const subresources = [
  'status',
  'scale',
  'log',
  'exec',
  'attach',
  'portforward',
  'proxy/a/b?c=d',
  'binding',
  'eviction',
  'ephemeralcontainers',
  'resize',
  'approval',
  'finalize',
  'token',
  'start',
  'stop',
  'restart',
  'pause',
  'resume',
  'explain',
  'nonsense',
] as const
const types = [
  'application/json',
  'application/json; charset=utf-8',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
  'application/cbor',
  'application/cbor-seq',
  'text/plain',
  '',
] as const
const accepts = [
  'application/json',
  '*/*',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/vnd.kubernetes.protobuf,application/json',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;stream=watch',
  'text/html;q=0.9;level=1,*/*;q=0',
  'application/cbor',
  'application/cbor-seq;stream=watch',
  ';;,,=',
] as const
const parameters: readonly (readonly [string, readonly string[]])[] = [
  ['limit', ['0', '1', '2', '500', '-1', '1.5', 'x', '99999999999999999999']],
  ['continue', ['', 'x', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0', '%00', 'bnVsbA', 'W10', 'e30']],
  ['resourceVersion', ['0', '1', '5', '-1', 'x', '99999999', '18446744073709551616', '1.5']],
  ['resourceVersionMatch', ['Exact', 'NotOlderThan', 'x']],
  [
    'labelSelector',
    [
      'app',
      '!app',
      'app=web',
      'app==web',
      'app!=web',
      'app in (a,b)',
      'app notin ()',
      'a,b',
      ',',
      '=',
      'a=b=c',
      'a>1',
      'a<x',
      '(',
      'a in',
      '\u0000',
    ],
  ],
  [
    'fieldSelector',
    [
      'metadata.name=web',
      'metadata.namespace!=x',
      'spec.nodeName=',
      'status.phase=Running',
      'x=y',
      '=',
      'a',
      'metadata.name=a,metadata.name=b',
      'metadata.name=\\,',
    ],
  ],
  ['watch', ['1', 'true', '0', 'x']],
  ['timeoutSeconds', ['0', '1', '3', '-1', 'x', '99999999999']],
  ['allowWatchBookmarks', ['true', 'x']],
  ['sendInitialEvents', ['true', 'false']],
  ['dryRun', ['All', 'x', '']],
  ['fieldManager', ['me', '', 'x'.repeat(200), '\u0000']],
  ['force', ['true', 'false', 'x']],
  ['fieldValidation', ['Strict', 'Warn', 'Ignore', 'x']],
  ['gracePeriodSeconds', ['0', '1', '-1', 'x', '9999999999']],
  ['propagationPolicy', ['Foreground', 'Background', 'Orphan', 'x']],
  ['orphanDependents', ['true', 'x']],
  ['pretty', ['true', '1', 'x']],
  ['includeObject', ['None', 'Object', 'Metadata', 'x']],
  ['tailLines', ['1', '-1', 'x']],
  ['%zz', ['%']],
]

/** Half of a surrogate pair has no UTF-8 form. */
const escaped = (text: string) => encodeURIComponent(text.toWellFormed())
const chance = (random: Random, share: number) => random.next() < share

function pathOf(random: Random): { path: string; kind: KindDefinition | undefined; name: string; isNamed: boolean; isSafe: boolean } {
  if (chance(random, 0.04)) {
    const odd = [
      '/',
      '',
      '/api',
      '/apis',
      '/apis/apps',
      '/openapi/v3',
      '/openapi/v2',
      '/version',
      '/healthz',
      '/readyz?verbose',
      '/metrics',
      '//',
      '/api/v1//pods',
      '/api/v1/watch/pods',
      '/%2e%2e/',
      '/api/v1/namespaces/%00/pods',
      `/${'a/'.repeat(2000)}`,
      '/api/v1/namespaces/default/pods/a%2fb',
      '/apis/apps/v1/namespaces//deployments/',
    ]
    return { path: pick(random, odd), kind: undefined, name: '', isNamed: false, isSafe: true }
  }
  const kind = pick(random, chance(random, 0.6) ? usualKinds : kinds)
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const scope =
    kind.scope === 'Namespaced' && chance(random, 0.9)
      ? `/namespaces/${escaped(chance(random, 0.95) ? pick(random, namespaces) : pick(random, words))}`
      : ''
  const isNamed = chance(random, 0.6)
  const name = chance(random, 0.9) ? pick(random, names) : pick(random, words)
  const own = kind.subresources.map((s) => s.name)
  const subresource = isNamed && chance(random, 0.35) ? `/${pick(random, own.length > 0 && chance(random, 0.7) ? own : subresources)}` : ''
  // Emptying all namespaces at once would take the probe along.
  return {
    path: `${root}${scope}/${kind.plural}${isNamed ? `/${escaped(name)}` : ''}${subresource}`,
    kind,
    name,
    isNamed,
    isSafe: kind.scope === 'Namespaced' || isNamed,
  }
}

/** A token like those that lists hand out, with parts that they would not have. */
function continueToken(random: Random): string {
  const token = {
    v: pick(random, ['meta.k8s.io/v1', 'meta.k8s.io/v1', 'v2', 1]),
    rv: pick(random, [1, 5, -1, 0, 1.5, 2 ** 53, '1', null]),
    start: pick(random, ['fuzz/web\u0000', 'web\u0000', '../x\u0000', 'x', '', `${'x'.repeat(5_000)}\u0000`, 1, anything(random)]),
  }
  const text = Buffer.from(JSON.stringify(token)).toString('base64url')
  return chance(random, 0.8) ? text : text.slice(0, random.below(text.length))
}

function queryOf(random: Random): string {
  if (chance(random, 0.6)) return ''
  const pairs = Array.from({ length: 1 + random.below(4) }, () => {
    const [name, values] = pick(random, parameters)
    if (name === 'continue' && chance(random, 0.5)) return `continue=${continueToken(random)}`
    return `${name}=${chance(random, 0.9) ? escaped(pick(random, values)) : pick(random, values)}`
  })
  return `?${pairs.join('&')}`
}

const counts = new Set(['replicas', 'parallelism', 'completions', 'minReplicas', 'maxReplicas'])

/** With no wish for thousands of pods: that is granted, and would only show how many fit into memory. */
function modest(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(modest)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, counts.has(name) && Number(inner) > 9 ? 9 : modest(inner)]))
}

const jsonPatch = (random: Random) =>
  Array.from({ length: 1 + random.below(4) }, () => ({
    op: pick(random, ['add', 'remove', 'replace', 'move', 'copy', 'test', 'x']),
    path: pick(random, [
      '/spec',
      '/metadata/labels',
      '/metadata/labels/app',
      '/spec/template/spec/containers/0/image',
      '/spec/containers/-',
      '/spec/containers/99999999999',
      '',
      '/',
      'x',
      '/__proto__/x',
      '/metadata/~2',
      '/status',
    ]),
    from: pick(random, ['/spec', '/x', '/metadata', '']),
    ...(chance(random, 0.8) ? { value: anything(random) } : {}),
  }))

function contentOf(kind: KindDefinition | undefined, name: string, type: string, random: Random): unknown {
  if (type.startsWith('application/json-patch')) return jsonPatch(random)
  const object = kind ? madeObject(kind, random, name) : anything(random)
  const content = modest(chance(random, 0.4) ? broken(object, random) : object)
  if (!type.includes('patch')) return content
  const directive = pick(random, [
    { $patch: 'delete' },
    { $patch: 'replace' },
    { $retainKeys: ['a'] },
    { $setElementOrder: 1 },
    { '$deleteFromPrimitiveList/finalizers': ['a'] },
    {},
    {},
  ])
  return typeof content === 'object' && content !== null && chance(random, 0.3) ? { ...content, spec: directive } : content
}

/** The content in the type's form, sometimes with its bytes damaged, sometimes as something hostile. */
function bytesOf(content: unknown, type: string, random: Random): Uint8Array {
  if (chance(random, 0.02)) return Buffer.from(pick(random, hostile))
  const encoded = encode(content, type)
  if (chance(random, 0.9) || encoded.length === 0) return encoded
  const damaged = Uint8Array.from(encoded)
  for (let i = 0; i <= random.below(4); i++) damaged[random.below(damaged.length)] = random.below(256)
  return chance(random, 0.3) ? damaged.subarray(0, random.below(damaged.length)) : damaged
}

function encode(content: unknown, type: string): Uint8Array {
  if (type.includes('protobuf')) {
    try {
      return protobuf.encode(content as Record<string, unknown>) ?? Buffer.from('k8s\0')
    } catch {
      // Broken objects have no such form.
      return Buffer.from('k8s\0\x0a\xff')
    }
  }
  if (type.includes('yaml')) {
    try {
      return Buffer.from(formatYaml(content))
    } catch {
      return Buffer.from(': :')
    }
  }
  return Buffer.from(JSON.stringify(content) ?? '')
}

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)
const hostile: readonly string[] = [
  nested('[', ']', 100_000),
  nested('{"a":', '}', 50_000).replace(/:}/, ':1}'),
  '[',
  '{"metadata":{"name":"a","name":"b"}}',
  '{"metadata":{"name":"a"},"spec":{"replicas":1e400}}',
  '{"metadata":{"name":"a"},"spec":{"replicas":123456789012345678901234567890}}',
  '{"__proto__":{"a":1},"metadata":{"name":"a","__proto__":{"b":1}}}',
  '\ufeff{}',
  `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n`,
  'a: &a\n  b: *a\n',
  '%YAML 9.9\n---\n!!js/function a',
  '---\n---\n---\n',
  nested('[', ']', 5_000),
  `a: ${nested('{a: ', '}', 3_000)}`,
  ' '.repeat(100_000),
  `"${'x'.repeat(200_000)}"`,
]

function headersOf(random: Random, type: string | undefined): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  if (type) headers['content-type'] = type
  if (chance(random, 0.5)) headers.accept = chance(random, 0.8) ? pick(random, accepts.slice(0, 7)) : pick(random, [...accepts, ...words])
  if (chance(random, 0.3)) headers['user-agent'] = pick(random, ['kubectl/v1.36.0 (linux/amd64)', 'Mozilla/5.0', '', '/', 'x'.repeat(500)])
  if (chance(random, 0.05)) {
    headers['impersonate-user'] = pick(random, [
      ...names,
      'system:admin',
      'system:serviceaccount:default:default',
      'system:node:node-1',
      '',
      '\u0000',
    ])
    if (chance(random, 0.5)) headers['impersonate-group'] = chance(random, 0.5) ? ['system:masters', 'a'] : pick(random, words)
    if (chance(random, 0.3)) headers['impersonate-extra-%zz'] = 'a'
    if (chance(random, 0.3)) headers['impersonate-uid'] = 'u'
  } else if (chance(random, 0.02)) headers['impersonate-group'] = 'system:masters'
  if (chance(random, 0.1)) headers['accept-encoding'] = 'gzip'
  return headers
}

export function makeRequest(random: Random): FuzzRequest {
  const { path, kind, name, isNamed, isSafe } = pathOf(random)
  const usual = isNamed
    ? ['GET', 'PUT', 'PUT', 'PATCH', 'PATCH', 'PATCH', 'DELETE', ...(path.endsWith(name) ? [] : ['POST', 'POST'])]
    : ['GET', 'POST', 'POST', 'POST', ...(isSafe ? ['DELETE'] : [])]
  const method = chance(random, 0.97) ? pick(random, usual) : pick(random, ['HEAD', 'OPTIONS', 'BREW', 'TRACE', 'get', ''])
  const mayHaveBody = method !== 'GET' || chance(random, 0.1)
  const patches = types.filter((t) => t.includes('patch'))
  const type =
    method === 'PATCH' && chance(random, 0.9)
      ? pick(random, patches)
      : chance(random, 0.6)
        ? 'application/json'
        : pick(random, chance(random, 0.8) ? types.slice(0, 4) : types)
  const url = path.includes('?') ? path : `${path}${queryOf(random)}`
  if (!mayHaveBody) return { method, url, headers: headersOf(random, undefined), body: undefined }
  return { method, url, headers: headersOf(random, type), body: bytesOf(contentOf(kind, name, type, random), type, random) }
}
