/** A parsed image reference in its full form: `docker.io/library/nginx:latest`. */
export type ImageReference = {
  readonly registry: string
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

const shape =
  /^(?<name>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>[A-Za-z][\w.+-]*:[0-9a-fA-F]{32,}))?$/

/** Undefined: no valid reference (https://github.com/distribution/reference has the grammar). */
export function parseImageReference(text: string): ImageReference | undefined {
  const slash = text.indexOf('/')
  const first = slash < 0 ? '' : text.slice(0, slash)
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost'
  if (hasRegistry && !/^[A-Za-z0-9.\-[\]:]+$/.test(first)) return undefined
  const rest = hasRegistry ? text.slice(slash + 1) : text
  const groups = shape.exec(rest)?.groups
  if (!groups) return undefined
  const name = groups.name!
  const registry = hasRegistry ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io'
  const repository = registry === 'docker.io' && !name.includes('/') ? `library/${name}` : name
  const digest = groups.digest
  return { registry, repository, tag: groups.tag ?? (digest ? undefined : 'latest'), digest }
}

/** Why a text is no reference, in the words of upstream's parser. */
export function referenceFault(text: string): string {
  const slash = text.indexOf('/')
  const first = slash < 0 ? '' : text.slice(0, slash)
  const isRegistry = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
  const repository = (isRegistry ? text.slice(slash + 1) : text).split(/[:@]/)[0]!
  const isCase = repository !== repository.toLowerCase()
  return `invalid reference format${isCase ? `: repository name (${repository}) must be lowercase` : ''}`
}

/** Without tag and digest. */
export function repositoryOf({ registry, repository }: ImageReference): string {
  return `${registry}/${repository}`
}

/** The reference as engines want it, with registry and tag filled in. */
export function formatImageReference({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`
}
