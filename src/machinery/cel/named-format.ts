import { dns1035Label, dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../names.ts'
import { hasFormat } from '../structural/formats.ts'
import type { Library } from './environment.ts'
import { overload } from './overload.ts'
import { noneOptional } from './selection.ts'
import { sizeOf, traversal } from './size.ts'
import { ArrayList, CelOpaque, CelOptional, CelTypeValue, type OpaqueKind } from './value.ts'

/** Named formats (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-format-library): `format.dns1123Label().validate(x)`. */
export const formatLibrary = (): Library => ({
  types: [new CelTypeValue(formatKind.name)],
  overloads: [
    ...Object.entries(formats).map(([name, rule]) => overload(`format.${name}(): Format`, () => new CelOpaque(formatKind, rule))),
    overload('format.named(string): optional<Format>', (name: string) =>
      Object.hasOwn(formats, name) ? new CelOptional(new CelOpaque(formatKind, formats[name])) : noneOptional,
    ),
    overload(
      'Format.validate(string): optional<list<string>>',
      ({ content }: CelOpaque, text: string) => {
        const problems = (content as Rule)(text)
        return problems.length === 0 ? noneOptional : new CelOptional(new ArrayList(problems))
      },
      { cost: (_format: CelOpaque, text: string) => traversal(sizeOf(text)) },
    ),
  ],
})

type Rule = (text: string) => readonly string[]

const formatKind: OpaqueKind = { name: 'kubernetes.NamedFormat', equals: (a, b) => a === b }
/** A prefix may end in a dash, since something follows it. */
const asPrefix =
  (rule: Rule): Rule =>
  (text) =>
    rule(text.endsWith('-') ? `${text.slice(0, -1)}a` : text)
const byName =
  (name: string, problem: string): Rule =>
  (text) =>
    hasFormat(name, text) ? [] : [problem]

const formats: Readonly<Record<string, Rule>> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  qualifiedName,
  dns1123LabelPrefix: asPrefix(dns1123Label),
  dns1123SubdomainPrefix: asPrefix(dns1123Subdomain),
  dns1035LabelPrefix: asPrefix(dns1035Label),
  labelValue,
  uri: byName('uri', 'invalid URI'),
  uuid: byName('uuid', 'does not match the UUID format'),
  byte: byName('byte', 'invalid base64'),
  date: byName('date', 'invalid date'),
  datetime: byName('datetime', 'invalid datetime'),
}
