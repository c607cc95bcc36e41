import type { Clock } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { allKinds } from '../kinds/all.ts'
import schemaFacts from '../kinds/generated/schemas.json' with { type: 'json' }
import omittedZeros from '../kinds/generated/omitted-zeros.json' with { type: 'json' }
import zeroValues from '../kinds/generated/zero-values.json' with { type: 'json' }
import { loadSchemas } from '../machinery/schema/schema-set.ts'
import type { Store } from '../store/contract.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { AuditEntry } from './audit/audit-event.ts'
import type { AuditLog } from './audit/audit-log.ts'
import { type ApiServer, type ApiServerOptions, createApiServer } from './api-server.ts'
import type { Authenticator, Authorizer, UserInfo } from './contract.ts'

/** The user of a test API's client: may do everything. */
export const testUser: UserInfo = { name: 'test', groups: ['system:masters', 'system:authenticated'] }

export const allowAll: Authorizer = {
  authorize: () => ({ allowed: true, reason: '' }),
  rulesFor: () => ({
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  }),
}

/** An audit log that keeps what it is told instead of writing it. */
export const keptAudit = (entries: AuditEntry[]): AuditLog => ({
  ready: () => undefined,
  received: () => ({ id: '', verdict: { level: 'None', omitStages: [], omitManagedFields: false }, receivedAtMs: 0 }),
  answered: (entry) => {
    entries.push(entry)
    return entry.response
  },
  metricsText: () => '',
})

export type TestApi = { readonly api: ApiServer; readonly client: Client; readonly store: Store }

/**
 * A whole API server in this process on a memory store, for tests of everything that speaks to the API: real
 * validation, admission and watches, nobody refused. Deterministic under a virtual clock and a seeded random.
 */
export async function createTestApi(options: {
  readonly clock: Clock
  readonly random: Random
  readonly log?: Log
  readonly store?: Store
  readonly authorizer?: Authorizer
  readonly authenticator?: Authenticator
  /**
   * Default: what waits for a controller. Nobody makes the accounts that ServiceAccount demands, takes the taint of a new node
   * away, or lets go of volumes and claims.
   */
  readonly withoutAdmission?: readonly string[]
  readonly withAdmission?: readonly string[]
  readonly explainPod?: ApiServerOptions['explainPod']
  readonly dialer?: ApiServerOptions['dialer']
  readonly frontProxy?: ApiServerOptions['frontProxy']
  readonly clientAuthorities?: ApiServerOptions['clientAuthorities']
  readonly advertise?: ApiServerOptions['advertise']
  readonly audit?: ApiServerOptions['audit']
  readonly podSecurity?: ApiServerOptions['podSecurity']
  readonly nodePorts?: ApiServerOptions['nodePorts']
  readonly serviceCidr?: ApiServerOptions['serviceCidr']
  readonly tolerationSeconds?: ApiServerOptions['tolerationSeconds']
  readonly tokens?: ApiServerOptions['tokens']
  readonly isStoreShared?: boolean
  readonly checksPolicyTypes?: boolean
  /** Default true: objects are shared, and a test should see who changes one. */
  readonly freezesObjects?: boolean
}): Promise<TestApi> {
  const { clock, random, log = silentLog } = options
  const store = options.store ?? createMemoryStore()
  const api = await createApiServer({
    store,
    kinds: allKinds,
    schemas: loadSchemas(schemaFacts as Parameters<typeof loadSchemas>[0], zeroValues, omittedZeros),
    clock,
    random,
    log,
    authenticator: options.authenticator ?? { authenticate: () => testUser },
    authorizer: options.authorizer ?? allowAll,
    freezesObjects: options.freezesObjects ?? true,
    withoutAdmission: options.withoutAdmission ?? ['ServiceAccount', 'TaintNodesByCondition', 'StorageObjectInUseProtection'],
    ...(options.withAdmission ? { withAdmission: options.withAdmission } : {}),
    ...(options.advertise ? { advertise: options.advertise } : {}),
    ...(options.dialer ? { dialer: options.dialer } : {}),
    ...(options.audit ? { audit: options.audit } : {}),
    podSecurity: options.podSecurity,
    ...(options.tokens ? { tokens: options.tokens } : {}),
    ...(options.checksPolicyTypes === false ? { checksPolicyTypes: false } : {}),
    ...(options.isStoreShared ? { isStoreShared: true } : {}),
    ...(options.frontProxy ? { frontProxy: options.frontProxy } : {}),
    ...(options.clientAuthorities ? { clientAuthorities: options.clientAuthorities } : {}),
    ...(options.explainPod ? { explainPod: options.explainPod } : {}),
    ...(options.nodePorts ? { nodePorts: options.nodePorts } : {}),
    ...(options.serviceCidr ? { serviceCidr: options.serviceCidr } : {}),
    ...(options.tolerationSeconds ? { tolerationSeconds: options.tolerationSeconds } : {}),
  })
  return { api, client: api.clientFor(testUser), store }
}
