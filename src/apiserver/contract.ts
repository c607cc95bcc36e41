import type { Duplex } from 'node:stream'
import type { KindDefinition } from '../kinds/kind.ts'
import type { FieldTerm } from '../machinery/field-selector.ts'
import type { Requirement } from '../machinery/label-selector.ts'
import type { KubeObject } from '../machinery/object.ts'

/** Who asks. `system:authenticated` is among the groups of everyone that an authenticator names. */
export type UserInfo = {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** The credentials of one request. */
export type Credentials = {
  readonly clientCertificate: ClientCertificate | undefined
  readonly bearerToken: string | undefined
}

/** What a client showed when it connected; TLS has proved that it holds the key. */
export type ClientCertificate = {
  readonly commonName: string
  readonly organizations: readonly string[]
  /** Kubernetes' own attribute of a subject, 1.3.6.1.4.1.57683.2. Several are a fault. */
  readonly uids?: readonly string[]
  /** SHA-256 of the whole certificate in hex. */
  readonly fingerprint?: string
  /** Checked with each request: connections outlive certificates. Absent: not known. */
  readonly notAfterMs?: number
  /** Who vouches for it: the authority of clients (default), that of front proxies, or nobody that is trusted. */
  readonly authority?: 'client' | 'front-proxy' | 'none'
}

/** Who waits for an answer: `signal` aborts when nobody does any more. Made when it is first read: most answers are there at once. */
export type Asking = { readonly signal?: AbortSignal }

/** Undefined: these credentials are not mine. Throws StatusError 401 for ones that are mine and wrong or expired. */
export type Authenticator = {
  authenticate(
    credentials: Credentials,
    headers?: ApiRequest['headers'],
    asking?: Asking,
  ): Promise<UserInfo | undefined> | UserInfo | undefined
  /** Whether who shows no credentials may go on as the anonymous user. Absent: everywhere. */
  readonly allowsAnonymous?: (path: string) => boolean
}

/** What is asked for, in the terms that policies speak of. */
export type Attributes =
  | {
      readonly type: 'resource'
      readonly user: UserInfo
      readonly verb: string
      readonly group: string
      readonly version: string
      readonly resource: string
      readonly subresource: string
      readonly namespace: string
      readonly name: string
      /** What a list, watch or deletecollection is narrowed to. Absent: to nothing, or it could not be understood. */
      readonly fieldSelector?: readonly FieldTerm[]
      readonly labelSelector?: readonly Requirement[]
    }
  | { readonly type: 'path'; readonly user: UserInfo; readonly verb: string; readonly path: string }

/** `reason` is for the audit log and for SubjectAccessReview. */
export type Decision = {
  readonly allowed: boolean
  readonly reason: string
  /** No later authorizer may allow it. */
  readonly isDenied?: boolean
  /** What kept an authorizer from judging. */
  readonly error?: string
}

/** At once as far as rules live in memory; a promise where somebody else must be asked. */
export type Authorizer = {
  authorize(attributes: Attributes, asking?: Asking): Decision | Promise<Decision>
  /** Everything the user may do in a namespace (SelfSubjectRulesReview). */
  rulesFor(
    user: UserInfo,
    namespace: string,
  ): {
    readonly resourceRules: readonly ResourceRule[]
    readonly nonResourceRules: readonly NonResourceRule[]
    /** Why the list may lack something; absent: it is complete. */
    readonly evaluationError?: string
  }
}
export type ResourceRule = {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
}
export type NonResourceRule = { readonly verbs: readonly string[]; readonly nonResourceURLs: readonly string[] }

/** One request on its way through the chain, after defaulting and before storage. */
export type AdmissionRequest = {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  /** The request's, as authorizers see it: `update` or `patch`, … */
  readonly verb: string
  readonly kind: KindDefinition
  readonly subresource: string
  readonly namespace: string | undefined
  readonly name: string
  readonly user: UserInfo
  readonly dryRun: boolean
  /** The object to be stored; a mutating plugin changes it in place. Undefined on DELETE. */
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
  readonly options: Readonly<Record<string, unknown>>
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal
  /** Adds a Warning header to the answer. */
  warn(message: string): void
  /** Notes something in the audit entry of the request. The first value of a key stays. */
  annotate(key: string, value: string): void
}

/** One walk through the mutating plugins; there is at most one more, when a webhook or policy has changed the object. */
export type AdmissionPass = {
  readonly isReinvocation: boolean
  /** Asks for another walk after this one. */
  reinvoke(): void
  /** What plugins remember from the first walk for the second, each under a key of its own. */
  readonly state: Map<unknown, unknown>
}

/** `admit` may change the object; `validate` sees the final one. Refusal is a thrown StatusError (usually 403). */
export type AdmissionPlugin = {
  readonly name: string
  handles(operation: AdmissionRequest['operation'], kind: KindDefinition, subresource: string): boolean
  admit?(request: AdmissionRequest, pass: AdmissionPass): Promise<void> | void
  validate?(request: AdmissionRequest): Promise<void> | void
  /**
   * Whether new objects that differ in generated name and uid alone, and come together, are all treated as the first of them is, without
   * anything to wait for. Absent: each is to be asked about.
   */
  treatsAlike?(request: AdmissionRequest): boolean
}

/** A request without its socket: the HTTP front, tests and the in-process transport all speak this. */
export type ApiRequest = {
  readonly method: string
  /** Path with query, as on the request line. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array | undefined
  readonly credentials: Credentials
  readonly remoteAddress: string
  readonly signal: AbortSignal
}

export type ApiResponse = {
  readonly code: number
  readonly headers: Record<string, string | string[]>
  /** Whole bytes, or blocks that are written with back-pressure (lists, watches, logs). */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
}

/** An answer that takes the connection over (exec, attach, port-forward, proxy with Upgrade). */
export type UpgradeHandler = (request: ApiRequest, socket: Duplex, head: Uint8Array) => Promise<void>
