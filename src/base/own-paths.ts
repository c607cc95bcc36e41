/** Paths of the API server that are Keelson's own, beside the Kubernetes API. */
export const ownPaths = {
  /** GET: which keys of encryption at rest there are. POST: a new one. */
  encryptionKeys: '/keelson/v1/encryption-keys',
  /** GET: which keys of service accounts' tokens there are. POST: a new one. DELETE: the old ones go. */
  serviceAccountKeys: '/keelson/v1/service-account-keys',
  /** GET: everything in the store at one revision, values as they are stored. */
  backup: '/keelson/v1/backup',
  /** GET: what another server of the cluster must have. For holders of a server token alone. */
  serverBundle: '/keelson/v1/server-bundle',
} as const
