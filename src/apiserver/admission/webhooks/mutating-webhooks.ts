import { applyJsonPatch } from '../../../machinery/patch/json-patch.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import { statusErrors } from '../../../machinery/status-error.ts'
import type { AdmissionPass, AdmissionPlugin, AdmissionRequest, Authorizer } from '../../contract.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import { convertObject, isExempt, ownResource } from '../dynamic/attributes.ts'
import { finishPatched, replaceContent } from '../dynamic/patched-object.ts'
import { reinvocationOf } from '../dynamic/reinvocation.ts'
import { type Called, type CallParts, callWebhook } from './call-webhook.ts'
import type { HookSet, Invocation } from './hooks.ts'
import { matchesConditions } from './match-conditions.ts'

type Parts = CallParts & {
  readonly schemas: SchemaSet
  readonly reader: ObjectReader
  readonly authorizer: Authorizer
  readonly hooks: () => HookSet
}

const auditPrefix = 'mutation.webhook.admission.k8s.io/'
const patchPrefix = 'patch.webhook.admission.k8s.io/'

/**
 * Asks webhooks that may change the object, one after the other. Where one changes it, those before it with
 * `reinvocationPolicy: IfNeeded` and the built-in plugins see it once more.
 */
export function mutatingWebhooks(parts: Parts): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionWebhook',
    treatsAlike: (request) => parts.hooks().isEmpty || parts.hooks().invocations(request).length === 0,
    handles: (_operation, kind) => !isExempt(kind),
    admit: (request, pass) => {
      const hooks = parts.hooks()
      if (hooks.isEmpty) return
      // Which webhooks are asked depends on what those before them did: looked up again for each.
      if (hooks.invocations(request).length === 0) return
      return askAll(parts, request, { pass, hooks })
    },
  }
}

async function askAll(parts: Parts, request: AdmissionRequest, { pass, hooks }: { readonly pass: AdmissionPass; readonly hooks: HookSet }) {
  const reinvocation = reinvocationOf(pass, mutatingWebhooks, request.object)
  for (let next = nextOf(hooks, request, -1); next; next = nextOf(hooks, request, next.index)) {
    const { uid, webhook } = next.hook
    if (!reinvocation.isDue(uid)) continue
    if (!(await matchesConditions(parts, request, { invocation: next, type: 'admit' }))) continue
    const isChanged = await askOne(parts, request, next, pass)
    reinvocation.asked(uid, { isChanged, isReinvocable: webhook.reinvocationPolicy === 'IfNeeded' })
  }
  reinvocation.done(request.object)
}

const nextOf = (hooks: HookSet, request: AdmissionRequest, after: number) => hooks.invocations(request).find(({ index }) => index > after)

async function askOne(parts: Parts, request: AdmissionRequest, invocation: Invocation, pass: AdmissionPass): Promise<boolean> {
  const { hook, index } = invocation
  const { configuration, webhook } = hook
  const place = `round_${pass.isReinvocation ? 1 : 0}_index_${index}`
  let isChanged: boolean | undefined
  try {
    isChanged = await callWebhook(parts, request, {
      invocation,
      type: 'admit',
      use: (called) => applyAnswer(parts, request, { ...invocation, place }, called),
    })
    if (isChanged === undefined) request.annotate(`failed-open.${auditPrefix}${place}`, webhook.name)
  } finally {
    request.annotate(auditPrefix + place, JSON.stringify({ configuration, webhook: webhook.name, mutated: isChanged ?? false }))
  }
  return isChanged ?? false
}

/** Whether the answer's patch changed the object. */
async function applyAnswer(
  parts: Parts,
  request: AdmissionRequest,
  { hook, resource, place }: Invocation & { readonly place: string },
  { verdict, objects }: Called,
): Promise<boolean> {
  const { patch } = verdict
  if (patch === undefined || (Array.isArray(patch) && patch.length === 0)) return false
  if (!objects.object || !request.object) {
    const why = `admission webhook ${JSON.stringify(hook.webhook.name)} attempted to modify the object, which is not supported for this operation`
    throw statusErrors.internal(new Error(why))
  }
  let next: KubeObject
  try {
    next = applyJsonPatch(objects.object, patch)
    finishPatched(parts.schemas, resource, next)
  } catch (error) {
    throw statusErrors.internal((error as Error).cause ?? error)
  }
  const { configuration, webhook } = hook
  request.annotate(
    patchPrefix + place,
    goJson({ configuration, webhook: webhook.name, patch: sortedFields(patch), patchType: 'JSONPatch' }),
  )
  const own = ownResource(request, parts.registry)
  if (own && own !== resource && next.kind === resource.kind.kind) next = await convertObject(resource, own, next, request)
  return replaceContent(request.object, next)
}

/** The operations of a patch as upstream writes them. */
const sortedFields = (patch: unknown) =>
  (patch as readonly object[]).map((operation) => Object.fromEntries(Object.entries(operation).sort(([a], [b]) => (a < b ? -1 : 1))))

/** JSON as Go writes it, which escapes what HTML knows. */
const goJson = (value: unknown) =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
