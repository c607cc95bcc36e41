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
  path: { name: 'path', in: 'path', type: 'string', description: 'The rest of the path, which goes on to what is behind.' },
  name: { name: 'name', in: 'path', type: 'string', description: 'Name of the object.' },
  namespace: { name: 'namespace', in: 'path', type: 'string', description: 'Namespace of the object.' },
  pretty: query('pretty', 'string', 'If true, the answer is indented.'),
} as const satisfies Record<string, Parameter>

export const objectVersion = query('resourceVersion', 'string', 'The version that the answer must show at least, or exactly.')

const selection = [
  query('fieldSelector', 'string', 'Only objects whose fields match.'),
  query('labelSelector', 'string', 'Only objects whose labels match.'),
  query('limit', 'integer', 'The most objects in one answer.'),
  query('continue', 'string', 'Token of the answer that this request goes on from.'),
  objectVersion,
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('sendInitialEvents', 'boolean', 'Whether a watch begins with the present objects.'),
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
    query('watch', 'boolean', 'Whether to go on with changes after the present objects.'),
  ],
  post: [dryRun, fieldManager, fieldValidation],
  put: [dryRun, fieldManager, fieldValidation],
  patch: [dryRun, fieldManager, fieldValidation, query('force', 'boolean', 'Apply only: take over fields that others own.')],
  delete: deletion,
  deletecollection: [...deletion, ...selection],
  connect: [],
}

const container = query('container', 'string', 'Name of the container; may be left out where there is only one.')
const streams = [
  container,
  query('stderr', 'boolean', 'Whether to carry standard error.'),
  query('stdin', 'boolean', 'Whether to carry standard input.'),
  query('stdout', 'boolean', 'Whether to carry standard output.'),
  query('tty', 'boolean', 'Whether the command gets a terminal.'),
]

/** By the name of the subresource that they belong to. */
export const connectParameters: Readonly<Record<string, readonly Parameter[]>> = {
  attach: streams,
  exec: [query('command', 'string', 'The command; once for each of its words.'), ...streams],
  log: [
    container,
    query('follow', 'boolean', 'Whether to go on with what is written later.'),
    query('insecureSkipTLSVerifyBackend', 'boolean', "Whether to do without checking the node's certificate."),
    query('limitBytes', 'integer', 'The most bytes of the answer.'),
    query('previous', 'boolean', 'The log of the container before the present one.'),
    query('sinceSeconds', 'integer', 'Only what is no older than this.'),
    query('stream', 'string', 'All, Stdout or Stderr.'),
    query('tailLines', 'integer', 'Only the last lines, so many.'),
    query('timestamps', 'boolean', 'Whether each line begins with its time.'),
  ],
  portforward: [query('ports', 'integer', 'The ports to forward.')],
  proxy: [query('path', 'string', 'The rest of the path, which goes on to what is behind.')],
}

/** Custom kinds have no strategies. */
export const customPatchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'] as const

export const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const
