import { generateKeyPairSync } from 'node:crypto'
import type { Clock } from '../../src/base/clock.ts'
import { seededRandom } from '../../src/base/random.ts'
import type { ApiServer, ApiServerOptions } from '../../src/apiserver/api-server.ts'
import type { Authorizer, UserInfo } from '../../src/apiserver/contract.ts'
import type { ObjectReader } from '../../src/apiserver/objects/object-reader.ts'
import { createServiceAccountTokens } from '../../src/apiserver/authn/service-account-tokens.ts'
import { bootstrapPolicy } from '../../src/apiserver/authz/bootstrap-policy.ts'
import { createAbacAuthorizer, parseAbacPolicies } from '../../src/apiserver/authz/abac-authorizer.ts'
import { createNodeAuthorizer } from '../../src/apiserver/authz/node-authorizer.ts'
import { createNodeGraph } from '../../src/apiserver/authz/node-graph.ts'
import { createRbacAuthorizer, createRbacIndex } from '../../src/apiserver/authz/rbac-authorizer.ts'
import { superuserAuthorizer, unionAuthorizer } from '../../src/apiserver/authz/union-authorizer.ts'
import type { Dialer } from '../../src/apiserver/reach/node-dialer.ts'
import { createTestApi } from '../../src/apiserver/test-api.ts'
import { pods } from '../../src/kinds/core/pod.ts'
import type { KindRef } from '../../src/kinds/kind.ts'
import { clusterRoleBindings } from '../../src/kinds/rbac/cluster-role-binding.ts'
import { clusterRoles } from '../../src/kinds/rbac/cluster-role.ts'
import { roleBindings } from '../../src/kinds/rbac/role-binding.ts'
import { roles } from '../../src/kinds/rbac/role.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { boundKinds, graphKinds } from '../../src/roles/access.ts'
import { collected, headersOf, type Outgoing, type Send } from './run-cases.ts'

/** Of one moment: lists that are ordered by times of whole seconds were recorded within one, and come so however long the answers take. */
const recordedAtMs = systemClock.now()
const clock: Clock = { ...systemClock, now: () => recordedAtMs }

/** The administrator whom the answers were recorded for. */
const administrator: UserInfo = { name: 'test', uid: 'test-uid', groups: ['system:masters', 'system:authenticated'] }
/** This API server, with every default plugin on, the cluster's own roles and tokens, and how to send to it. */
export async function ownApi(
  options: Pick<ApiServerOptions, 'audit' | 'checksPolicyTypes'> & {
    readonly serviceCidr?: string | undefined
    readonly abacPolicies?: string | undefined
  } = {},
): Promise<{ send: Send; handle: ApiServer['handle']; close(): Promise<void> }> {
  const later: { reader: ObjectReader | undefined } = { reader: undefined }
  const random = seededRandom(1)
  const tokens = createServiceAccountTokens({
    ...serviceAccountKeys,
    clock,
    random,
    lookup: (kind, namespace, name) => later.reader!.get(boundKinds[kind] as KindRef, namespace, name),
  })
  const { serviceCidr, abacPolicies = '', ...others } = options
  const { api } = await createTestApi({
    clock,
    random,
    // A controller's work upstream, and none runs where most answers were recorded.
    checksPolicyTypes: false,
    ...others,
    ...(serviceCidr === undefined ? {} : { serviceCidr }),
    withoutAdmission: [],
    dialer: noNodes,
    authenticator: {
      authenticate: ({ bearerToken }) => (bearerToken === administratorToken ? administrator : undefined),
      allowsAnonymous: () => false,
    },
    authorizer: ownAuthorizer(() => later.reader!, abacPolicies),
    tokens: { issue: tokens.issue, review: (token, wanted) => tokens.review(token, wanted), defaultAudiences: tokens.audiences },
  })
  later.reader = api.reader
  const send: Send = async (request) => {
    const { method, path, body, events } = request
    const hangUp = new AbortController()
    const {
      code,
      headers,
      body: answer,
    } = await api.handle({
      method,
      url: path,
      headers: headersOf(request),
      body: body === undefined ? undefined : Buffer.from(body),
      credentials: { clientCertificate: undefined, bearerToken: bearerTokenOf(request) },
      remoteAddress: '127.0.0.1',
      signal: AbortSignal.any([hangUp.signal, AbortSignal.timeout(30_000)]),
    })
    const whole = answer instanceof Uint8Array ? answer : await collected(answer, events)
    hangUp.abort()
    return { code, body: whole, headers: lowerCased(headers) }
  }
  return { send, handle: (request) => api.handle(request), close: () => api.close() }
}

export const administratorToken = 'any'

/** The administrator's, unless the request brings credentials of its own. */
function bearerTokenOf({ headers = {} }: Outgoing): string | undefined {
  const { authorization = `Bearer ${administratorToken}` } = headers
  return /^Bearer (.+)$/.exec(authorization)?.[1]
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const serviceAccountKeys = { privateKey, publicKey }

/** Who is no administrator is judged by the default roles and those that are stored at that moment, and by policies: nothing is waited for. */
function ownAuthorizer(reader: () => ObjectReader, abacPolicies: string): Authorizer {
  const policy = bootstrapPolicy()
  const current = (): Authorizer => {
    const index = createRbacIndex()
    const { list } = reader()
    for (const role of [...policy.clusterRoles, ...policy.roles, ...list(clusterRoles, ''), ...list(roles, '')]) index.setRole(role, false)
    const stored = [...list(clusterRoleBindings, ''), ...list(roleBindings, '')]
    for (const binding of [...policy.clusterRoleBindings, ...policy.roleBindings, ...stored]) index.setBinding(binding, false)
    return createRbacAuthorizer(index)
  }
  const graph = createNodeGraph(
    (nodeName, namespace) =>
      reader()
        .list(pods, namespace)
        .filter(({ spec }) => spec?.nodeName === nodeName),
    (kind, namespace, name) => reader().get(graphKinds[kind] as KindRef, namespace, name),
  )
  return unionAuthorizer([
    superuserAuthorizer,
    createNodeAuthorizer(graph),
    {
      authorize: (attributes) => current().authorize(attributes),
      rulesFor: (user, namespace) => current().rulesFor(user, namespace),
    },
    ...(abacPolicies ? [createAbacAuthorizer(parseAbacPolicies(abacPolicies, 'policies'))] : []),
  ])
}

/** Where nothing is to be reached. */
const noNodes: Dialer = {
  request: () => Promise.reject(new Error('connect ECONNREFUSED')),
  connect: () => Promise.reject(new Error('connect ECONNREFUSED')),
  close: () => {},
}

const lowerCased = <T>(headers: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
