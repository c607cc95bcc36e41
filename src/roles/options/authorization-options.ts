/** What the flags on authorization say: which authorizers decide, and in what order. */
import { readFileSync, statSync } from 'node:fs'
import type { AuthorizerEntry } from '../../apiserver/authz/authorization-configuration.ts'
import { alwaysAllow, alwaysDeny, superuserAuthorizer, unionAuthorizer } from '../../apiserver/authz/union-authorizer.ts'
import type { Authorizer } from '../../apiserver/contract.ts'
import type { PeerParts, ReviewPeer } from '../../apiserver/reach/review-peer.ts'
import type { Log } from '../../base/log.ts'
import { watchFile } from '../../platform/file-watch.ts'
import type { FlagReader } from './flag-reader.ts'

export type OwnAuthorizers = { readonly node: Authorizer; readonly rbac: Authorizer }
/** Absent where no flag says anything: then nodes and roles decide. */
export type ChooseAuthorizers = (own: OwnAuthorizers) => Authorizer

export type AuthorizationParts = PeerParts & { readonly log: Log }

const configFlag = 'authorization-config'
const webhookFlags = ['config-file', 'version', 'cache-authorized-ttl', 'cache-unauthorized-ttl'].map((n) => `authorization-webhook-${n}`)
const policyFlag = 'authorization-policy-file'
const modes = ['ABAC', 'AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const
/** What the flags alone can say, beside the entries of a configuration. */
type Entry = AuthorizerEntry | { readonly type: 'ABAC'; readonly name: string; readonly path: string }

/** Throws CliError for what cannot be used. `close` ends what it follows and holds. */
export async function readAuthorizationOptions(
  flags: FlagReader,
  parts: AuthorizationParts,
): Promise<{ readonly choose: ChooseAuthorizers | undefined; close(): void }> {
  const path = flags.text(configFlag)
  const legacy = ['authorization-mode', policyFlag, ...webhookFlags].some((name) => flags.text(name) !== undefined)
  if (path === undefined && !legacy) return { choose: undefined, close: () => {} }
  const [{ parseAuthorizationConfiguration, webhookDefaults }, { createWebhookAuthorizer }, { reviewPeerFromKubeconfig }] =
    await Promise.all([
      import('../../apiserver/authz/authorization-configuration.ts'),
      import('../../apiserver/authz/webhook-authorizer.ts'),
      import('../../apiserver/reach/review-peer.ts'),
    ])
  if (path !== undefined && legacy)
    flags.using(configFlag, () => {
      throw new Error(`--${configFlag} can not be specified when --authorization-mode or --authorization-webhook-* flags are defined`)
    })
  const { createAbacAuthorizer, parseAbacPolicies } = await import('../../apiserver/authz/abac-authorizer.ts')
  const build = (entries: readonly Entry[]): Built => {
    const peers: ReviewPeer[] = []
    const made = entries.map((entry) => {
      if (entry.type === 'ABAC') return createAbacAuthorizer(parseAbacPolicies(readFileSync(entry.path, 'utf8'), entry.path))
      if (entry.type !== 'Webhook') return undefined
      const peer = reviewPeerFromKubeconfig(entry.kubeconfig, parts)
      peers.push(peer)
      return createWebhookAuthorizer({ name: entry.name, peer, rules: entry.rules }, parts)
    })
    return { entries, made, close: () => peers.forEach((peer) => peer.close()) }
  }
  if (path === undefined) {
    const built = flags.using('authorization-mode', () => build(entriesOfFlags(flags, webhookDefaults)))
    return { choose: (own) => chosen(built, own), close: () => built.close() }
  }
  return following({ path, flags, parts, read: (text) => build(parseAuthorizationConfiguration(text, checkFile)) })
}

/** `made`: those that were made for their entry; absent where it names one that is there. */
type Built = { readonly entries: readonly Entry[]; readonly made: readonly (Authorizer | undefined)[]; close(): void }

function chosen({ entries, made }: Built, own: OwnAuthorizers): Authorizer {
  const plain = { AlwaysAllow: alwaysAllow, AlwaysDeny: alwaysDeny, Node: own.node, RBAC: own.rbac }
  const authorizerOf = (entry: Entry, i: number) => (entry.type === 'Webhook' || entry.type === 'ABAC' ? made[i]! : plain[entry.type])
  return unionAuthorizer([superuserAuthorizer, ...entries.map(authorizerOf)])
}

type Followed = {
  readonly path: string
  readonly flags: FlagReader
  readonly parts: AuthorizationParts
  readonly read: (text: string) => Built
}

/** A file that cannot be used later on changes nothing: what was read before goes on. */
function following({ path, flags, parts, read }: Followed): { choose: ChooseAuthorizers; close(): void } {
  let built = flags.using(configFlag, () => read(readFileSync(path, 'utf8')))
  let own: OwnAuthorizers | undefined
  let current: Authorizer | undefined
  const stop = watchFile(
    path,
    () => {
      try {
        const next = read(readFileSync(path, 'utf8'))
        built.close()
        built = next
        if (own) current = chosen(built, own)
        parts.log.info({ path }, 'the authorization configuration was read anew')
      } catch (error) {
        parts.log.error({ path, error: (error as Error).message }, 'the changed authorization configuration cannot be used')
      }
    },
    parts,
  )
  return {
    choose: (given) => {
      own = given
      current = chosen(built, own)
      return {
        authorize: (attributes, asking) => current!.authorize(attributes, asking),
        rulesFor: (user, namespace) => current!.rulesFor(user, namespace),
      }
    },
    close: () => {
      stop()
      built.close()
    },
  }
}

function checkFile(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return `error loading file: stat ${path}: no such file or directory`
  return stat.isFile() ? undefined : 'must be a regular file'
}

function entriesOfFlags(flags: FlagReader, defaults: { authorizedTtlMs: number; unauthorizedTtlMs: number; timeoutMs: number }): Entry[] {
  const given = flags.list('authorization-mode') ?? ['Node', 'RBAC']
  if (given.length === 0) throw new Error('at least one authorization-mode must be passed')
  const kubeconfig = flags.text('authorization-webhook-config-file')
  const policies = flags.text(policyFlag)
  const entries = given.map((mode, i): Entry => {
    const type = modes.find((known) => known === mode)
    if (!type) throw new Error(`authorization-mode ${JSON.stringify(mode)} is not a valid mode`)
    if (given.indexOf(mode) !== i) throw new Error(`authorization-mode ${JSON.stringify(mode)} has mode specified more than once`)
    if (type === 'ABAC') {
      if (!policies) throw new Error("authorization-mode ABAC's authorization policy file not passed")
      return { type, name: 'abac', path: policies }
    }
    if (type !== 'Webhook') return { type, name: type.toLowerCase() }
    if (!kubeconfig) throw new Error("authorization-mode Webhook's authorization config file not passed")
    const rules = {
      version: flags.oneOf('authorization-webhook-version', ['v1', 'v1beta1'] as const, 'v1beta1'),
      authorizedTtlMs: flags.durationMs('authorization-webhook-cache-authorized-ttl', defaults.authorizedTtlMs),
      unauthorizedTtlMs: flags.durationMs('authorization-webhook-cache-unauthorized-ttl', defaults.unauthorizedTtlMs),
      timeoutMs: defaults.timeoutMs,
      failurePolicy: 'NoOpinion' as const,
      matchConditions: [],
    }
    return { type, name: 'default', kubeconfig, rules }
  })
  if (policies !== undefined && !given.includes('ABAC')) throw new Error(`cannot specify --${policyFlag} without mode ABAC`)
  if (kubeconfig !== undefined && !given.includes('Webhook'))
    throw new Error('cannot specify --authorization-webhook-config-file without mode Webhook')
  return entries
}
