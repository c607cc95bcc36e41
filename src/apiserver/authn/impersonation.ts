/**
 * Requests in somebody else's name (https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/): by the verb
 * `impersonate`, which gives all that the other may do, or by its constrained modes, where the caller must also be allowed to do this very
 * thing as such a user (`impersonate-on:MODE:VERB`). The narrow modes are asked first.
 */
import { domainPrefixedPathErrors } from '../../machinery/domain-prefixed-path.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { unescapedKey, valuesOf } from './certificates.ts'
import type { ApiRequest, Asking, Attributes, Authorizer, Decision, UserInfo } from '../contract.ts'
import { anonymous, refusal } from './identity.ts'

/** `constraint`: the verb that allowed it, where that was a constrained one. */
export type Impersonated = { readonly user: UserInfo; readonly constraint: string | undefined }

/** Undefined: the request speaks for its caller, `asked.user`. Throws 403 where the caller may not, 400 where no user is named. */
export function impersonate(
  authorizer: Authorizer,
  headers: ApiRequest['headers'],
  asked: () => Attributes,
  asking: Asking,
): Promise<Impersonated> | undefined {
  const wanted = wantedUser(headers)
  if (!wanted) return undefined
  const judge: Judge = (attributes) => authorizer.authorize(attributes, asking)
  return byFirstMode(judge, wanted, asked())
}

type Judge = (attributes: Attributes) => Decision | Promise<Decision>
type Wanted = {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: ReadonlyMap<string, readonly string[]>
}

const extraPrefix = 'impersonate-extra-'

function wantedUser(headers: ApiRequest['headers']): Wanted | undefined {
  if (!speaksForOther(headers)) return undefined
  const name = first(headers['impersonate-user'])
  const uid = first(headers['impersonate-uid'])
  const groups = valuesOf(headers['impersonate-group'])
  const extra = new Map<string, readonly string[]>()
  for (const header in headers)
    if (header.startsWith(extraPrefix)) extra.set(unescapedKey(header.slice(extraPrefix.length)), valuesOf(headers[header]))
  const wanted = { name, uid, groups, extra }
  if (name !== '') return wanted
  if (uid !== '' || groups.length > 0 || extra.size > 0)
    throw statusErrors.badRequest(`requested ${goText(wanted)} without impersonating a user name`)
  return undefined
}

/** Nearly no request does: the rest is not worked out for those. */
function speaksForOther(headers: ApiRequest['headers']): boolean {
  for (const header in headers) if (header.startsWith('impersonate-')) return true
  return false
}

const first = (value: string | string[] | undefined): string => (Array.isArray(value) ? value[0] : value) ?? ''

/** As Go prints such a user, which is what upstream's message holds. */
function goText({ name, uid, groups, extra }: Wanted): string {
  const list = (values: readonly string[]) => `[]string{${values.map((v) => JSON.stringify(v)).join(', ')}}`
  const entries = [...extra].map(([key, values]) => `${JSON.stringify(key)}:${list(values)}`)
  return `&user.DefaultInfo{Name:${JSON.stringify(name)}, UID:${JSON.stringify(uid)}, Groups:${groups.length > 0 ? list(groups) : '[]string(nil)'}, Extra:${extra.size > 0 ? `map[string][]string{${entries.join(', ')}}` : 'map[string][]string(nil)'}}`
}

type Mode = { readonly name: string; readonly isFor: (wanted: Wanted, caller: UserInfo) => boolean }

const nodeNameKey = 'authentication.kubernetes.io/node-name'
const isNameOnly = ({ uid, groups, extra }: Wanted) => uid === '' && groups.length === 0 && extra.size === 0

const modes: readonly Mode[] = [
  {
    name: 'associated-node',
    isFor: (wanted, caller) => {
      const own = caller.extra?.[nodeNameKey]
      return isNameOnly(wanted) && accountOf(caller.name) !== undefined && own?.length === 1 && nodeOf(wanted.name) === own[0]
    },
  },
  { name: 'arbitrary-node', isFor: (wanted) => isNameOnly(wanted) && nodeOf(wanted.name) !== undefined },
  { name: 'serviceaccount', isFor: (wanted) => isNameOnly(wanted) && accountOf(wanted.name) !== undefined },
  { name: 'user-info', isFor: ({ name }) => nodeOf(name) === undefined && accountOf(name) === undefined },
]

/** The first mode that allows decides; where none does, the first refusal stands. */
async function byFirstMode(judge: Judge, wanted: Wanted, asked: Attributes): Promise<Impersonated> {
  const caller = asked.user
  let refused: unknown
  for (const { name, isFor } of modes) {
    if (!isFor(wanted, caller)) continue
    const isOwnNode = name === 'associated-node'
    const who = isOwnNode ? { ...caller, extra: { 'authentication.kubernetes.io/associated-node-keys': keysOf(caller) } } : caller
    try {
      await demand(judge, { ...asked, user: who, verb: `impersonate-on:${name}:${asked.verb}` })
      const constraint = `impersonate:${name}`
      return { user: await asOther(judge, wanted, { caller: who, verb: constraint, isConstrained: true, isOwnNode }), constraint }
    } catch (error) {
      refused ??= error
    }
  }
  try {
    const legacy = { caller, verb: 'impersonate', isConstrained: false, isOwnNode: false }
    return { user: await asOther(judge, wanted, legacy), constraint: undefined }
  } catch (error) {
    throw refused ?? error
  }
}

const keysOf = ({ extra = {} }: UserInfo): readonly string[] => Object.keys(extra).sort()

type By = { readonly caller: UserInfo; readonly verb: string; readonly isConstrained: boolean; readonly isOwnNode: boolean }
type Part = {
  readonly group?: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name: string
}

const identityGroup = 'authentication.k8s.io'
/** From so many on, the right to all of them is asked for first. */
const manyChecks = 4

/** Asks for the right to every part of the other's identity. */
async function asOther(judge: Judge, wanted: Wanted, by: By): Promise<UserInfo> {
  const { caller, verb, isConstrained } = by
  const ask = (what: Part) => demand(judge, attributesOf(caller, verb, what))
  const group = isConstrained ? identityGroup : ''
  const account = accountOf(wanted.name)
  const node = isConstrained ? nodeOf(wanted.name) : undefined
  if (account) await ask({ group, resource: 'serviceaccounts', ...account })
  else if (node !== undefined) await ask({ group, resource: 'nodes', name: by.isOwnNode ? '*' : node })
  else await ask({ group, resource: 'users', name: wanted.name })
  if (wanted.uid !== '') await ask({ group: identityGroup, resource: 'uids', name: wanted.uid })
  await demandGroups(wanted.groups, { ask, by, group })
  await demandExtra(wanted.extra, { ask, by })
  const fixed = account
    ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`]
    : node === undefined
      ? []
      : ['system:nodes']
  const groups = wanted.groups.length > 0 ? wanted.groups : fixed
  return {
    name: wanted.name,
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    groups: withStanding(wanted.name, groups),
    ...(wanted.extra.size > 0 ? { extra: Object.fromEntries(wanted.extra) } : {}),
  }
}

function withStanding(name: string, groups: readonly string[]): readonly string[] {
  const standing = name === anonymous.name ? 'system:unauthenticated' : 'system:authenticated'
  return groups.includes(standing) || groups.includes('system:unauthenticated') ? groups : [...groups, standing]
}

type Demand = { readonly ask: (what: Part) => Promise<void>; readonly by: By }

async function demandGroups(groups: readonly string[], { ask, by, group }: Demand & { readonly group: string }): Promise<void> {
  if (groups.length === 0) return
  if (by.isConstrained) {
    if (groups.includes('system:masters'))
      throw refusal(attributesOf(by.caller, by.verb, { group, resource: 'groups', name: 'system:masters' }), {
        allowed: false,
        reason: 'impersonating the system:masters group is not allowed',
      })
    if (groups.length >= manyChecks && (await isAllowed(ask({ group, resource: 'groups', name: '*' })))) return
  }
  for (const name of groups) await ask({ group, resource: 'groups', name })
}

async function demandExtra(extra: Wanted['extra'], { ask, by }: Demand): Promise<void> {
  if (extra.size === 0) return
  const part = { group: identityGroup, resource: 'userextras' }
  if (by.isConstrained) {
    for (const [key, values] of extra) {
      const why = extraFault(key, values)
      if (why) throw refusal(attributesOf(by.caller, by.verb, { ...part, name: '' }), { allowed: false, reason: why })
    }
    const count = [...extra.values()].reduce((sum, values) => sum + values.length, 0)
    if (count >= manyChecks && (await isAllowed(ask({ ...part, subresource: '*', name: '*' })))) return
  }
  for (const [subresource, values] of extra) for (const name of values) await ask({ ...part, subresource, name })
}

function extraFault(key: string, values: readonly string[]): string | undefined {
  if (key === '') return 'impersonating the empty string key in extra is not allowed'
  const [fault] = domainPrefixedPathErrors(key, 'extra.key')
  if (fault) return `impersonating an invalid key in extra is not allowed: ${fault.field}: ${fault.message}`
  if (key !== key.toLowerCase()) return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`
  return values.length === 0 ? 'impersonating empty values in extra is not allowed' : undefined
}

function attributesOf(user: UserInfo, verb: string, { group = '', resource, subresource = '', namespace = '', name }: Part) {
  return { type: 'resource', user, verb, group, version: 'v1', resource, subresource, namespace, name } as const
}

async function demand(judge: Judge, attributes: Attributes): Promise<void> {
  const decision = await judge(attributes)
  if (!decision.allowed) throw refusal(attributes, decision)
}

const isAllowed = (demanded: Promise<void>) =>
  demanded.then(
    () => true,
    () => false,
  )

function accountOf(userName: string): { readonly namespace: string; readonly name: string } | undefined {
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(userName)
  return match ? { namespace: match[1]!, name: match[2]! } : undefined
}

function nodeOf(userName: string): string | undefined {
  const name = userName.startsWith('system:node:') ? userName.slice('system:node:'.length) : ''
  return name !== '' && dns1123Subdomain(name).length === 0 ? name : undefined
}
