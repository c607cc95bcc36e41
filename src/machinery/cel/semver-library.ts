import type { Library } from './environment.ts'
import { EvaluationError } from './evaluation-error.ts'
import { overload } from './overload.ts'
import { sizeOf, traversal } from './size.ts'
import { CelOpaque, CelTypeValue, type OpaqueKind } from './value.ts'

/** Semantic versions (https://semver.org, https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-semver-library). */
export const semverLibrary = (): Library => ({
  types: [new CelTypeValue(semverKind.name)],
  overloads: [
    overload('semver(string): Semver', (text: string) => semver(text, false), { cost: walk }),
    overload('semver(string, bool): Semver', semver, { cost: walk }),
    overload('isSemver(string): bool', (text: string) => parsed(text) !== undefined, { cost: walk }),
    overload(
      'isSemver(string, bool): bool',
      (text: string, normalizes: boolean) => parsed(normalizes ? normalized(text) : text) !== undefined,
      {
        cost: walk,
      },
    ),
    ...(['major', 'minor', 'patch'] as const).map((name, i) =>
      overload(`Semver.${name}(): int`, (v: CelOpaque) => (v.content as Version).numbers[i]!),
    ),
    overload('Semver.isGreaterThan(Semver): bool', (a: CelOpaque, b: CelOpaque) => compare(a, b) > 0),
    overload('Semver.isLessThan(Semver): bool', (a: CelOpaque, b: CelOpaque) => compare(a, b) < 0),
    overload('Semver.compareTo(Semver): int', (a: CelOpaque, b: CelOpaque) => BigInt(compare(a, b))),
  ],
})

type Version = { readonly numbers: readonly bigint[]; readonly pre: readonly string[] }

const walk = (text: string) => traversal(sizeOf(text))
const semverKind: OpaqueKind = { name: 'kubernetes.Semver', equals: (a, b) => compareVersions(a as Version, b as Version) === 0 }
const pattern =
  /^(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/

function parsed(text: string): Version | undefined {
  const match = text.length > 256 ? null : pattern.exec(text)
  return match ? { numbers: match.slice(1, 4).map(BigInt), pre: match[4]?.split('.') ?? [] } : undefined
}

/** A leading `v` and zeros go, missing parts become 0. */
function normalized(text: string): string {
  const match = /^v?(\d+(?:\.\d+){0,2})([-+].*)?$/.exec(text)
  if (!match) return text
  const numbers = match[1]!.split('.').map((part) => part.replace(/^0+(?=\d)/, ''))
  while (numbers.length < 3) numbers.push('0')
  return numbers.join('.') + (match[2] ?? '')
}

/** The value of a version in its strict form. Throws EvaluationError for anything else. */
export const semverOfText = (text: string) => semver(text, false)

function semver(text: string, normalizes: boolean): CelOpaque {
  const version = parsed(normalizes ? normalized(text) : text)
  if (!version) throw new EvaluationError(`semver parse error during conversion from string ${JSON.stringify(text)}`)
  return new CelOpaque(semverKind, version)
}

const compare = (a: CelOpaque, b: CelOpaque) => compareVersions(a.content as Version, b.content as Version)

function compareVersions(a: Version, b: Version): number {
  for (const [i, number] of a.numbers.entries()) if (number !== b.numbers[i]!) return number < b.numbers[i]! ? -1 : 1
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length)
  for (let i = 0; i < Math.min(a.pre.length, b.pre.length); i++) {
    const order = comparePre(a.pre[i]!, b.pre[i]!)
    if (order !== 0) return order
  }
  return Math.sign(a.pre.length - b.pre.length)
}

function comparePre(a: string, b: string): number {
  const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (x && y) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0
  if (x !== y) return x ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
