import { type FieldError, fieldErrors } from '../../../machinery/field-error.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'
/** A minor version of Kubernetes 1, or the newest. */
export type Version = number | 'latest'
export type LevelVersion = { readonly level: Level; readonly version: Version }
/** What a namespace's labels ask for. */
export type Policy = { readonly enforce: LevelVersion; readonly audit: LevelVersion; readonly warn: LevelVersion }

const prefix = 'pod-security.kubernetes.io/'
const levels: readonly Level[] = ['privileged', 'baseline', 'restricted']
const open: LevelVersion = { level: 'privileged', version: 'latest' }
export const openPolicy: Policy = { enforce: open, audit: open, warn: open }

/**
 * The policy of a namespace: what its labels do not say, the defaults do, and who is not said to be warned is warned of what is refused. There
 * is always one: an enforce label that cannot be read means `restricted`, an audit or warn label `privileged`, a version the latest; the
 * errors say which labels those are.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy = openPolicy,
): { readonly policy: Policy; readonly errors: readonly FieldError[] } {
  if (!labels || !Object.keys(labels).some((label) => label.startsWith(prefix))) return { policy: defaults, errors: [] }
  const errors: FieldError[] = []
  const refuse = (label: string, detail: string) =>
    errors.push(fieldErrors.invalid(`metadata.labels[${prefix}${label}]`, labels[`${prefix}${label}`], detail))
  const read = (mode: keyof Policy): LevelVersion => {
    const level = labels[`${prefix}${mode}`]
    const version = labels[`${prefix}${mode}-version`]
    const known = parseLevel(level)
    if (level !== undefined && !known) refuse(mode, levelFault)
    const parsed = version === undefined ? undefined : parseVersion(version)
    if (version !== undefined && parsed === undefined) refuse(`${mode}-version`, versionFault)
    const unreadable = mode === 'enforce' ? 'restricted' : 'privileged'
    return {
      level: known ?? (level === undefined ? defaults[mode].level : unreadable),
      version: parsed ?? (version === undefined ? defaults[mode].version : 'latest'),
    }
  }
  const enforce = read('enforce')
  const audit = read('audit')
  const warn = read('warn')
  const isWarnSaid = labels[`${prefix}warn`] !== undefined || !parseLevel(labels[`${prefix}enforce`])
  if (isWarnSaid || !isStricter(enforce.level, warn.level)) return { policy: { enforce, audit, warn }, errors }
  const version = labels[`${prefix}warn-version`] === undefined ? enforce.version : warn.version
  return { policy: { enforce, audit, warn: { level: enforce.level, version } }, errors }
}

export const levelFault = `must be one of ${levels.join(', ')}`
export const versionFault = 'must be "latest" or "v1.x"'
export const parseLevel = (text: string | undefined): Level | undefined => levels.find((level) => level === text)

export function parseVersion(text: string): Version | undefined {
  if (text === 'latest') return 'latest'
  const [, minor] = /^v1\.(0|[1-9][0-9]*)$/.exec(text) ?? []
  return minor === undefined ? undefined : Number(minor)
}

/** Nothing is refused, noted or warned of. */
export const isOpen = ({ enforce, audit, warn }: Policy) =>
  enforce.level === 'privileged' && audit.level === 'privileged' && warn.level === 'privileged'
export const isSame = (a: LevelVersion, b: LevelVersion) => a.level === b.level && a.version === b.version
export const isStricter = (a: Level, b: Level) => levels.indexOf(a) > levels.indexOf(b)
/** `restricted:latest`, `baseline:v1.30`. */
export const textOf = ({ level, version }: LevelVersion) => `${level}:${version === 'latest' ? version : `v1.${version}`}`
