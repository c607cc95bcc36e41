/** The query and path parameters of the API's operations, as facts; each document writes them in its own dialect. */

export type Parameter = {
  readonly name: string
  readonly in: 'query' | 'path'
  readonly type: 'string' | 'integer' | 'boolean'
  readonly description: string
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({ name, in: 'query', type, description })

const dryRun = query('dryRun', 'string', 'All: the request is carried out but for storing its result.')
const fieldManager = query('fieldManager', 'string', 'Who owns the fields that the request sets; at most 128 printable characters.')
const fieldValidation = query(
  'fieldValidation',
  'string',
  'What happens with unknown and duplicate fields: Ignore drops them, Warn drops them with a warning, Strict refuses the request.',
)

export const pathParameters = {
  name: { name: 'name', in: 'path', type: 'string', description: 'Name of the object.' },
  namespace: { name: 'namespace', in: 'path', type: 'string', description: 'Namespace of the object.' },
  pretty: query('pretty', 'string', 'If true, the answer is indented.'),
} as const satisfies Record<string, Parameter>

const selection = [
  query('fieldSelector', 'string', 'Only objects whose fields match.'),
  query('labelSelector', 'string', 'Only objects whose labels match.'),
  query('limit', 'integer', 'The most objects in one answer.'),
  query('continue', 'string', 'Token of the answer that this request goes on from.'),
  query('resourceVersion', 'string', 'The version that the answer must show at least, or exactly.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('timeoutSeconds', 'integer', 'When the request ends, whatever happens.'),
]

const deletion = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'Seconds that the object gets to end by itself; 0 deletes at once.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
]

/** By the action that an operation names in `x-kubernetes-action`. */
export const actionParameters: Readonly<Record<string, readonly Parameter[]>> = {
  get: [],
  list: [
    ...selection,
    query('allowWatchBookmarks', 'boolean', 'Whether a watch may send bookmarks.'),
    query('sendInitialEvents', 'boolean', 'Whether a watch begins with the present objects.'),
    query('watch', 'boolean', 'Whether to go on with changes after the present objects.'),
  ],
  post: [dryRun, fieldManager, fieldValidation],
  put: [dryRun, fieldManager, fieldValidation],
  patch: [dryRun, fieldManager, fieldValidation, query('force', 'boolean', 'Apply only: take over fields that others own.')],
  delete: deletion,
  deletecollection: [...deletion, ...selection],
  connect: [],
}

/** Custom kinds have no strategies. */
export const customPatchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'] as const

export const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const
