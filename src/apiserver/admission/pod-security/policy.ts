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
const openPolicy: Policy = { enforce: open, audit: open, warn: open }

/**
 * The policy of a namespace. There is always one: an enforce label that cannot be read means `restricted`, an audit or warn
 * label `privileged`, a version the latest; the errors say which labels those are.
 */
export function policyOf(labels: Readonly<Record<string, string>> | undefined): {
  readonly policy: Policy
  readonly errors: readonly FieldError[]
} {
  if (!labels || !Object.keys(labels).some((label) => label.startsWith(prefix))) return { policy: openPolicy, errors: [] }
  const errors: FieldError[] = []
  const refuse = (label: string, detail: string) =>
    errors.push(fieldErrors.invalid(`metadata.labels[${prefix}${label}]`, labels[`${prefix}${label}`], detail))
  const read = (mode: 'enforce' | 'audit' | 'warn'): LevelVersion => {
    const level = labels[`${prefix}${mode}`]
    const version = labels[`${prefix}${mode}-version`]
    const known = levels.find((l) => l === level)
    if (level !== undefined && !known) refuse(mode, `must be one of ${levels.join(', ')}`)
    const parsed = version === undefined ? 'latest' : parseVersion(version)
    if (parsed === undefined) refuse(`${mode}-version`, 'must be "latest" or "v1.x"')
    return { level: known ?? (level !== undefined && mode === 'enforce' ? 'restricted' : 'privileged'), version: parsed ?? 'latest' }
  }
  return { policy: { enforce: read('enforce'), audit: read('audit'), warn: read('warn') }, errors }
}

function parseVersion(text: string): Version | undefined {
  if (text === 'latest') return 'latest'
  const [, minor] = /^v1\.(0|[1-9][0-9]*)$/.exec(text) ?? []
  return minor === undefined ? undefined : Number(minor)
}

export const isSame = (a: LevelVersion, b: LevelVersion) => a.level === b.level && a.version === b.version
export const isStricter = (a: Level, b: Level) => levels.indexOf(a) > levels.indexOf(b)
/** `restricted:latest`, `baseline:v1.30`. */
export const textOf = ({ level, version }: LevelVersion) => `${level}:${version === 'latest' ? version : `v1.${version}`}`
