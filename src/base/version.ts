/** Keelson's own version. */
export const keelsonVersion = '0.1.0'

/** The Kubernetes API that it speaks. */
export const kubernetesVersion = 'v1.36.0'

/** What nodes and the version endpoint report: the API's version with ours as build metadata. */
export const gitVersion = `${kubernetesVersion}+keelson.${keelsonVersion}`
