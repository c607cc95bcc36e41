/** The flags of `keelson server` and `keelson up` on who may do what, with upstream's names and meanings. */
export type AccessFlag = {
  readonly name: string
  readonly argument: string
  readonly help: string
  readonly isFile?: boolean
  readonly isRepeated?: boolean
}

export const accessFlags: readonly AccessFlag[] = [
  { name: 'token-auth-file', argument: 'FILE', isFile: true, help: 'static tokens: token,user,uid,"group1,group2" a line' },
  {
    name: 'authentication-config',
    argument: 'FILE',
    isFile: true,
    help: 'an AuthenticationConfiguration: issuers of tokens with their claims and rules, and who may be anonymous; read anew when it changes',
  },
  {
    name: 'authentication-token-webhook-config-file',
    argument: 'FILE',
    isFile: true,
    help: 'a kubeconfig of the webhook that knows further tokens',
  },
  { name: 'authentication-token-webhook-version', argument: 'VERSION', help: 'v1 or v1beta1 of the TokenReview (default v1beta1)' },
  { name: 'authentication-token-webhook-cache-ttl', argument: 'DURATION', help: 'how long its answers are good (default 2m)' },
  {
    name: 'authorization-config',
    argument: 'FILE',
    isFile: true,
    help: 'an AuthorizationConfiguration: which authorizers decide, in their order; read anew when it changes',
  },
  {
    name: 'authorization-mode',
    argument: 'LIST',
    help: 'the same without a file: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny (default Node,RBAC)',
  },
  { name: 'authorization-webhook-config-file', argument: 'FILE', isFile: true, help: 'a kubeconfig of the webhook for the mode Webhook' },
  { name: 'authorization-webhook-version', argument: 'VERSION', help: 'v1 or v1beta1 of the SubjectAccessReview (default v1beta1)' },
  { name: 'authorization-webhook-cache-authorized-ttl', argument: 'DURATION', help: 'how long a yes is good (default 5m)' },
  { name: 'authorization-webhook-cache-unauthorized-ttl', argument: 'DURATION', help: 'how long a no is good (default 30s)' },
  {
    name: 'requestheader-client-ca-file',
    argument: 'FILE',
    isFile: true,
    help: "authorities of further proxies that speak for others, beside the cluster's own",
  },
  { name: 'requestheader-allowed-names', argument: 'LIST', help: 'common names of such proxies (default any of these authorities)' },
  { name: 'requestheader-username-headers', argument: 'LIST', help: 'headers that name the user (default X-Remote-User)' },
  { name: 'requestheader-uid-headers', argument: 'LIST', help: "headers with the user's uid (default X-Remote-Uid)" },
  { name: 'requestheader-group-headers', argument: 'LIST', help: 'headers that name groups (default X-Remote-Group)' },
  { name: 'requestheader-extra-headers-prefix', argument: 'LIST', help: 'how headers with more begin (default X-Remote-Extra-)' },
  { name: 'anonymous-auth', argument: 'BOOLEAN', help: 'whether requests without credentials are judged at all (default true)' },
  { name: 'oidc-issuer-url', argument: 'URL', help: 'the OpenID provider whose ID tokens are taken' },
  { name: 'oidc-client-id', argument: 'ID', help: 'the audience that such a token must be for' },
  { name: 'oidc-username-claim', argument: 'CLAIM', help: 'the claim that names the user (default sub)' },
  {
    name: 'oidc-username-prefix',
    argument: 'PREFIX',
    help: "what is put before it; - for nothing (default the issuer's URL and #, for email nothing)",
  },
  { name: 'oidc-groups-claim', argument: 'CLAIM', help: 'the claim that names the groups' },
  { name: 'oidc-groups-prefix', argument: 'PREFIX', help: 'what is put before each group' },
  {
    name: 'oidc-required-claim',
    argument: 'KEY=VALUE',
    isRepeated: true,
    help: 'a claim that a token must have; may be given several times',
  },
  { name: 'oidc-signing-algs', argument: 'LIST', help: 'the signatures that are taken (default RS256)' },
  { name: 'oidc-ca-file', argument: 'FILE', isFile: true, help: "the authority of the provider's certificate (default the system's)" },
  {
    name: 'service-account-issuer',
    argument: 'URL',
    isRepeated: true,
    help: "the issuer of service accounts' tokens; the first issues, all are taken",
  },
  { name: 'api-audiences', argument: 'LIST', help: 'what tokens must be for (default the issuers)' },
  { name: 'service-account-max-token-expiration', argument: 'DURATION', help: 'the longest life of a token' },
  {
    name: 'service-account-extend-token-expiration',
    argument: 'BOOLEAN',
    help: "whether pods' tokens of an hour stay good for a year (default true)",
  },
  {
    name: 'encryption-provider-config',
    argument: 'FILE',
    isFile: true,
    help: 'what is encrypted at rest, and how: an EncryptionConfiguration (default: Secrets, with keys of the cluster)',
  },
  {
    name: 'encryption-provider-config-automatic-reload',
    argument: 'BOOLEAN',
    help: 'whether that file is read anew when it changes (default false)',
  },
  { name: 'audit-policy-file', argument: 'FILE', isFile: true, help: 'which requests are recorded: a Policy of audit.k8s.io/v1' },
  { name: 'audit-log-path', argument: 'FILE', isFile: true, help: 'where they are recorded; - for the standard output' },
  { name: 'audit-log-maxsize', argument: 'MIB', help: 'the size at which the log is put aside (default 100)' },
  { name: 'audit-log-maxbackup', argument: 'N', help: 'how many old logs are kept (default all)' },
  { name: 'audit-log-maxage', argument: 'DAYS', help: 'how many days old logs are kept (default any)' },
  { name: 'audit-log-compress', argument: 'BOOLEAN', help: 'whether old logs are compressed (default false)' },
  { name: 'audit-log-format', argument: 'FORMAT', help: 'json, or legacy: one line of text an event (default json)' },
  {
    name: 'audit-log-mode',
    argument: 'MODE',
    help: 'blocking, blocking-strict, or batch: nobody waits, what is too much is dropped (default blocking)',
  },
  { name: 'audit-log-truncate-enabled', argument: 'BOOLEAN', help: 'whether events that are too large lose their bodies (default false)' },
  { name: 'audit-log-truncate-max-event-size', argument: 'BYTES', help: 'what is too large (default 102400)' },
  { name: 'audit-webhook-config-file', argument: 'FILE', isFile: true, help: 'a kubeconfig of the webhook that gets the events' },
  {
    name: 'audit-webhook-mode',
    argument: 'MODE',
    help: 'batch, blocking, or blocking-strict: what cannot be recorded is refused (default batch)',
  },
  { name: 'audit-webhook-initial-backoff', argument: 'DURATION', help: 'before a call that failed is tried again (default 10s)' },
  { name: 'audit-webhook-batch-buffer-size', argument: 'N', help: 'events that may wait (default 10000)' },
  { name: 'audit-webhook-batch-max-size', argument: 'N', help: 'events of one call (default 400)' },
  { name: 'audit-webhook-batch-max-wait', argument: 'DURATION', help: 'how long an event waits for others (default 30s)' },
  { name: 'audit-webhook-batch-throttle-enable', argument: 'BOOLEAN', help: 'whether calls are paced (default true)' },
  { name: 'audit-webhook-batch-throttle-qps', argument: 'N', help: 'calls a second (default 10)' },
  { name: 'audit-webhook-batch-throttle-burst', argument: 'N', help: 'calls at once after a quiet time (default 15)' },
  { name: 'audit-webhook-truncate-enabled', argument: 'BOOLEAN', help: 'as for the log' },
  { name: 'audit-webhook-truncate-max-event-size', argument: 'BYTES', help: 'as for the log' },
]
