import { CliError } from '../cli/cli-error.ts'

/** Where an etcd is and how it is reached; `tls` names PEM files. */
export type StoreLocation = {
  readonly endpoints: readonly string[]
  /** Everything lies below this key. */
  readonly root: string
  readonly tls: { readonly ca: string | undefined; readonly certificate: string | undefined; readonly key: string | undefined } | undefined
}

const parameters = ['cacert', 'cert', 'key'] as const
const example = 'write it like etcd://10.0.0.1:2379,10.0.0.2:2379?cacert=ca.crt&cert=client.crt&key=client.key'

/**
 * `etcd://HOST:PORT[,HOST:PORT…][/ROOT][?cacert=FILE&cert=FILE&key=FILE]`. Any of the parameters means TLS. Throws CliError (exit
 * code 2) for anything else.
 */
export function parseStoreLocation(text: string): StoreLocation {
  const refuse = (nextStep: string) => new CliError(`cannot use --store ${text.split('?')[0]}`, { nextStep, exitCode: 2 })
  const m = /^etcd:\/\/([^/?]+)(\/[A-Za-z0-9._/-]*)?(?:\?(.*))?$/.exec(text)
  if (!m) throw refuse(example)
  const endpoints = m[1]!.split(',')
  for (const endpoint of endpoints) {
    const port = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(endpoint)?.[1]
    if (port === undefined || Number(port) > 65_535) throw refuse(`"${endpoint}" is not HOST:PORT; ${example}`)
  }
  const query = new URLSearchParams(m[3] ?? '')
  const unknown = [...query.keys()].find((name) => !parameters.some((parameter) => parameter === name))
  if (unknown !== undefined) throw refuse(`there is no parameter "${unknown}"; ${example}`)
  const [ca, certificate, key] = parameters.map((name) => query.get(name) || undefined)
  if ((certificate === undefined) !== (key === undefined)) throw refuse('cert and key go together')
  const root = (m[2] ?? '').replace(/\/+$/, '') || '/keelson'
  return { endpoints, root, tls: query.size > 0 ? { ca, certificate, key } : undefined }
}

/** The text that `parseStoreLocation` reads as this. */
export function formatStoreLocation({ endpoints, root, tls }: StoreLocation): string {
  const files = { cacert: tls?.ca, cert: tls?.certificate, key: tls?.key }
  const query = new URLSearchParams(Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [[name, file]]))).toString()
  return `etcd://${endpoints.join(',')}${root}${query && `?${query}`}`
}
