import type { Library } from './environment.ts'
import { EvaluationError } from './evaluation-error.ts'
import { overload } from './overload.ts'
import { sizeOf, traversal } from './size.ts'
import { ArrayList, CelOpaque, CelTypeValue, EntryMap, type OpaqueKind, type Value } from './value.ts'

/** URLs (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library): absolute, or a path from the root. */
export const urlLibrary = (): Library => ({
  types: [new CelTypeValue(urlKind.name)],
  overloads: [
    overload(
      'url(string): URL',
      (text: string) => {
        const url = parsedUrl(text)
        if (!url)
          throw new EvaluationError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`)
        return new CelOpaque(urlKind, url)
      },
      { cost: walk },
    ),
    overload('isURL(string): bool', (text: string) => parsedUrl(text) !== undefined, { cost: walk }),
    overload('URL.getScheme(): string', ({ content }: CelOpaque) => (content as Url).scheme),
    overload('URL.getHost(): string', ({ content }: CelOpaque) => (content as Url).host),
    overload('URL.getHostname(): string', ({ content }: CelOpaque) => hostParts(content as Url).name),
    overload('URL.getPort(): string', ({ content }: CelOpaque) => hostParts(content as Url).port),
    overload('URL.getEscapedPath(): string', ({ content }: CelOpaque) => (content as Url).path),
    overload('URL.getQuery(): map<string, list<string>>', ({ content }: CelOpaque) => queryOf(content as Url)),
  ],
})

type Url = { readonly text: string; readonly scheme: string; readonly host: string; readonly path: string; readonly query: string }

const urlKind: OpaqueKind = { name: 'kubernetes.URL', equals: (a, b) => (a as Url).text === (b as Url).text }
const walk = (text: string) => traversal(sizeOf(text))

function parsedUrl(text: string): Url | undefined {
  if (text === '' || /[\s\p{Cc}]/u.test(text) || /%(?![0-9a-fA-F]{2})/.test(text.split('?')[0]!)) return undefined
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/s.exec(text)
  if (!match) return undefined
  const [, scheme = '', authority = '', path = '', query = ''] = match
  if (scheme === '' && !text.startsWith('/')) return undefined
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const isFine = /^(?:\[[0-9A-Fa-f:.%a-z]+\]|[^\s[\]:"<>^`{|}\\]*)(?::\d*)?$/.test(host)
  return isFine ? { text, scheme: scheme.toLowerCase(), host, path, query } : undefined
}

function hostParts({ host }: Url): { readonly name: string; readonly port: string } {
  const match = /^(?:\[(.*)\]|([^:]*))(?::(\d*))?$/.exec(host)
  return { name: match?.[1] ?? match?.[2] ?? '', port: match?.[3] ?? '' }
}

function queryOf({ query }: Url): EntryMap {
  const entries = new Map<string, [Value, Value]>()
  const texts = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(query)) texts.set(name, [...(texts.get(name) ?? []), value])
  for (const [name, values] of texts) entries.set(name, [name, new ArrayList(values)])
  return new EntryMap(entries)
}
