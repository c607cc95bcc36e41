import { runProgramChecked } from '../platform/run-program.ts'
import { systemClock } from '../platform/system-clock.ts'
import type { CredentialSource } from './http-client.ts'

/** The `exec` entry of a kubeconfig user (client.authentication.k8s.io). */
export type ExecPlugin = {
  readonly apiVersion?: string
  readonly command: string
  readonly args?: readonly string[] | null
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null
  readonly provideClusterInfo?: boolean
}

type ExecCredential = {
  readonly status?: {
    readonly token?: string
    readonly clientCertificateData?: string
    readonly clientKeyData?: string
    readonly expirationTimestamp?: string
  }
}

const pluginTimeoutMs = 60_000

/** Runs the plugin when credentials are first needed, and again when they have expired or were refused. */
export function execCredentials(
  plugin: ExecPlugin,
  cluster: { readonly server: string },
  nowMs: () => number = systemNow,
): CredentialSource {
  let current: Promise<ExecCredential> | undefined
  let expiresMs = Number.POSITIVE_INFINITY
  const run = async (): Promise<ExecCredential> => {
    const apiVersion = plugin.apiVersion ?? 'client.authentication.k8s.io/v1'
    const spec = { interactive: false, ...(plugin.provideClusterInfo ? { cluster: { server: cluster.server } } : {}) }
    const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec })
    const env = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]))
    const output = await runProgramChecked(plugin.command, plugin.args ?? [], {
      env: { ...env, KUBERNETES_EXEC_INFO: info },
      timeoutMs: pluginTimeoutMs,
    })
    const credential = JSON.parse(output) as ExecCredential
    expiresMs = credential.status?.expirationTimestamp ? Date.parse(credential.status.expirationTimestamp) : Number.POSITIVE_INFINITY
    return credential
  }
  return {
    get: async () => {
      if (nowMs() >= expiresMs) current = undefined
      current ??= run().catch((error: unknown) => {
        current = undefined
        throw error
      })
      const { status } = await current
      return {
        ...(status?.token ? { token: status.token } : {}),
        ...(status?.clientCertificateData ? { cert: status.clientCertificateData } : {}),
        ...(status?.clientKeyData ? { key: status.clientKeyData } : {}),
      }
    },
    invalidate: () => (current = undefined),
  }
}

const systemNow = () => systemClock.now()
