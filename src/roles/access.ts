/** Authentication and authorization over the cluster's own objects, kept current by informers. */
import {
  bootstrapTokenAuthenticator,
  parseTokenFile,
  staticTokenAuthenticator,
  unionAuthenticator,
} from '../apiserver/authn/authenticators.ts'
import {
  certificateAuthenticator,
  defaultRequestHeaders,
  requestHeaderAuthenticator,
  type RequestHeaderOptions,
} from '../apiserver/authn/certificates.ts'
import { serverTokenAuthenticator } from '../apiserver/authn/server-tokens.ts'
import { createServiceAccountTokens, type ServiceAccountTokens, type TokenOptions } from '../apiserver/authn/service-account-tokens.ts'
import type { SigningRing } from '../apiserver/authn/signing-ring.ts'
import { createNodeAuthorizer } from '../apiserver/authz/node-authorizer.ts'
import { createNodeGraph, type PodsOfNode } from '../apiserver/authz/node-graph.ts'
import { createRbacAuthorizer, createRbacIndex, type RbacIndex } from '../apiserver/authz/rbac-authorizer.ts'
import { superuserAuthorizer, unionAuthorizer } from '../apiserver/authz/union-authorizer.ts'
import type { Authenticator, Authorizer } from '../apiserver/contract.ts'
import type { ObjectReader } from '../apiserver/objects/object-reader.ts'
import type { TokenReviewer } from '../apiserver/authz/reviews.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Informer } from '../client/informer-contract.ts'
import type { InformerFactory } from '../control/informer-factory.ts'
import type { Pod, Secret } from '../kinds/generated/types/core-v1.ts'
import { nodes } from '../kinds/core/node.ts'
import { persistentVolumeClaims } from '../kinds/core/persistent-volume-claim.ts'
import { persistentVolumes } from '../kinds/core/persistent-volume.ts'
import { pods } from '../kinds/core/pod.ts'
import { secrets } from '../kinds/core/secret.ts'
import { serviceAccounts } from '../kinds/core/service-account.ts'
import type { KindRef } from '../kinds/kind.ts'
import { clusterRoleBindings } from '../kinds/rbac/cluster-role-binding.ts'
import { clusterRoles } from '../kinds/rbac/cluster-role.ts'
import { roleBindings } from '../kinds/rbac/role-binding.ts'
import { roles } from '../kinds/rbac/role.ts'
import { resourceSlices } from '../kinds/resource/resource-slice.ts'
import { volumeAttachments } from '../kinds/storage/volume-attachment.ts'
import type { KubeObject } from '../machinery/object.ts'

export type Access = {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly tokens: ServiceAccountTokens
  readonly reviewToken: TokenReviewer
  readonly rbac: RbacIndex
  /**
   * Follows the objects that decisions rest on; resolves when the rules are known. Pods may take longer, there are many: until all
   * have come, what a node may read is looked up in the cache.
   */
  follow(sources: AccessSources, signal: AbortSignal): Promise<void>
}

export type AccessSources = {
  /** Of the server's own, for the rules. */
  readonly informers: InformerFactory
  readonly pods: Informer<Pod>
  /** The newest state of objects, without a question of permission. */
  readonly reader: ObjectReader
}

/** What whoever runs the server may choose. */
export type AccessChoices = {
  readonly tokenOptions?: TokenOptions
  /** Which paths anonymous requests may ask for; absent: all, and the policy decides. */
  readonly allowsAnonymous?: (path: string) => boolean
  /** Further authenticators of bearer tokens, asked last. */
  readonly tokenAuthenticators?: readonly Authenticator[]
  /** How front proxies say for whom they speak. */
  readonly requestHeaders?: RequestHeaderOptions
  /** Which authorizers decide, of the server's own and others; absent: nodes, then roles. */
  readonly chooseAuthorizers?: (own: { readonly node: Authorizer; readonly rbac: Authorizer }) => Authorizer
}

export function createAccess(
  options: AccessChoices & {
    clock: Clock
    random: Random
    serviceAccountKeys: { readonly privateKey: string; readonly publicKey: string }
    /** Shared with other servers; its keys stand in place of the others. */
    signingRing?: SigningRing
    tokenFile: string | undefined
    /** A token that lies in a Secret was used. */
    noteLegacyUse?: (secret: Secret) => void
  },
): Access {
  const rbac = createRbacIndex()
  let read: ObjectReader['get'] = () => undefined
  let podsOf: PodsOfNode = () => []
  const graph = createNodeGraph(
    (nodeName, namespace) => podsOf(nodeName, namespace),
    (kind, namespace, name) => read(graphKinds[kind] as KindRef, namespace, name),
  )
  const tokens = createServiceAccountTokens({
    ...(options.signingRing ? { ...options.signingRing.pair, refreshKeys: options.signingRing.refreshSeldom } : options.serviceAccountKeys),
    ...options.tokenOptions,
    ...(options.noteLegacyUse ? { noteLegacyUse: options.noteLegacyUse } : {}),
    clock: options.clock,
    random: options.random,
    lookup: (kind, namespace, name) => read(boundKinds[kind] as KindRef, namespace, name),
  })
  options.signingRing?.onChange(tokens.useKeys)
  const bootstrap = bootstrapTokenAuthenticator({
    secret: (name) => read(secrets as KindRef, 'kube-system', name) as Secret | undefined,
    clock: options.clock,
  })
  const servers = serverTokenAuthenticator({
    secret: (name) => read(secrets as KindRef, 'kube-system', name) as Secret | undefined,
    clock: options.clock,
  })
  const fixed = options.tokenFile === undefined ? [] : [staticTokenAuthenticator(parseTokenFile(options.tokenFile))]
  const { clock } = options
  const byToken = [bootstrap, servers, ...fixed, ...(options.tokenAuthenticators ?? [])]
  const certificates = [
    requestHeaderAuthenticator({ ...(options.requestHeaders ?? defaultRequestHeaders), clock }),
    certificateAuthenticator({ clock }),
  ]
  const own = { node: createNodeAuthorizer(graph), rbac: createRbacAuthorizer(rbac) }
  const authenticator = unionAuthenticator([...certificates, tokens, ...byToken])
  return {
    authenticator: options.allowsAnonymous ? { ...authenticator, allowsAnonymous: options.allowsAnonymous } : authenticator,
    reviewToken: reviewerOf(tokens, unionAuthenticator(byToken)),
    authorizer: options.chooseAuthorizers?.(own) ?? unionAuthorizer([superuserAuthorizer, own.node, own.rbac]),
    tokens,
    rbac,
    follow: async ({ informers, pods: podInformer, reader }, signal) => {
      read = reader.get
      podsOf = podsByNode(podInformer, reader)
      await Promise.all(followRoles(informers, rbac).map((informer) => informer.synced(signal)))
    },
  }
}

/** Tokens that are for no audience of their own are for the API. */
function reviewerOf(tokens: ServiceAccountTokens, others: Authenticator): TokenReviewer {
  return async (token, wanted, asking) => {
    const audiences = wanted?.length ? wanted.filter((a) => tokens.audiences.includes(a)) : tokens.audiences
    const byOthers = async () => {
      const user = await others.authenticate({ clientCertificate: undefined, bearerToken: token }, undefined, asking)
      return user && audiences.length > 0 ? { user, audiences } : undefined
    }
    let refusal: unknown
    try {
      const found = await tokens.review(token, wanted)
      if (found) return found
    } catch (error) {
      refusal = error
    }
    const found = await byOthers()
    if (!found && refusal !== undefined) throw refusal
    return found
  }
}

/** The kinds that the node authorizer's graph looks up. */
export const graphKinds = {
  Pod: pods,
  PersistentVolumeClaim: persistentVolumeClaims,
  PersistentVolume: persistentVolumes,
  VolumeAttachment: volumeAttachments,
  ResourceSlice: resourceSlices,
} as const

/** The kinds that a token may be bound to. */
export const boundKinds = { ServiceAccount: serviceAccounts, Pod: pods, Secret: secrets, Node: nodes } as const

type Synced = { synced(signal?: AbortSignal): Promise<void> }

function followRoles(informers: InformerFactory, rbac: RbacIndex): Synced[] {
  const follow = <T extends KubeObject>(kind: KindRef<T>, set: (object: T, isGone: boolean) => void): Synced => {
    const informer = informers.informer(kind)
    informer.onChange(({ current, old }) => set((current ?? old)!, current === undefined))
    return informer
  }
  return [
    follow(roles, (o, gone) => rbac.setRole(o, gone)),
    follow(clusterRoles, (o, gone) => rbac.setRole(o, gone)),
    follow(roleBindings, (o, gone) => rbac.setBinding(o, gone)),
    follow(clusterRoleBindings, (o, gone) => rbac.setBinding(o, gone)),
  ]
}

const nodeIndex = 'node-name'

function podsByNode(informer: Informer<Pod>, reader: ObjectReader): PodsOfNode {
  informer.addIndex(nodeIndex, ({ spec }) => (spec?.nodeName ? [spec.nodeName] : []))
  return (nodeName, namespace) =>
    informer.hasSynced
      ? informer.byIndex(nodeIndex, nodeName)
      : reader.list(pods, namespace).filter(({ spec }) => spec?.nodeName === nodeName)
}
