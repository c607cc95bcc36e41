/** Webhooks that refuse what they are asked about and say who owns which of its fields. */
import type { Judge, ReviewRequest } from '../conformance/webhook-server.ts'
import { clusterWide, create, merged, type Request } from './upstream-case.ts'

export const label = 'shown-to'

type Managed = { readonly metadata?: { readonly managedFields?: readonly { readonly manager?: string }[] } } | null

/** Without times, and by name: otherwise they stand in the order of the seconds in which they wrote. */
function managersOf(object: Managed): unknown {
  const entries = object?.metadata?.managedFields?.map((entry) => ({ ...entry, time: undefined }))
  return sorted(entries?.sort((a, b) => (`${a.manager}` < `${b.manager}` ? -1 : 1)) ?? null)
}

export const shownManagers = ({ object, oldObject }: ReviewRequest): string =>
  JSON.stringify({ ...(oldObject ? { before: managersOf(oldObject as Managed) } : {}), after: managersOf(object as Managed) })

export const showsManagers: Judge = (request) => ({ allowed: false, status: { message: shownManagers(request) } })

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([field, item]) => [field, sorted(item)]),
  )
}

/** A webhook that looks at what bears its name in the label, wherever it is. */
export const labelled = (name: string, more: object = {}): object =>
  merged(
    {
      name: `${name}.managers.example.com`,
      clientConfig: { url: `$hook(${name})`, caBundle: '$hookCa' },
      rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 10,
      objectSelector: { matchLabels: { [label]: name } },
    },
    more,
  )

export const configured = (type: 'validating' | 'mutating', name: string, ...webhooks: object[]): Request =>
  create(clusterWide('admissionregistration.k8s.io/v1', `${type}webhookconfigurations`), {
    metadata: { name: `upstream-managers-${name}` },
    webhooks,
  })

/** An object that the webhook of this name looks at. */
export const shownTo = (name: string, object: object): object => merged(object, { metadata: { labels: { [label]: name } } })
