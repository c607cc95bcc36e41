import { join } from 'node:path'
import { environmentVariable, readTextFile } from '../platform/text-file.ts'
import type { HttpClientOptions } from './http-client.ts'

/** Where every pod finds what its service account speaks to the API with. */
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * What a program in a pod connects with: its service account, whose token is read anew as it is rotated. Undefined where there is none.
 * https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
export function ownAccount(
  variable: (name: string) => string | undefined = environmentVariable,
  folder = accountFolder,
): { readonly connection: HttpClientOptions; readonly namespace: string } | undefined {
  const host = variable('KUBERNETES_SERVICE_HOST')
  const port = variable('KUBERNETES_SERVICE_PORT')
  const tokenFile = join(folder, 'token')
  if (!host || !port || readTextFile(tokenFile) === undefined) return undefined
  const ca = readTextFile(join(folder, 'ca.crt'))
  return {
    connection: { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, tokenFile, ...(ca ? { ca } : {}) },
    namespace: readTextFile(join(folder, 'namespace'))?.trim() || 'default',
  }
}
