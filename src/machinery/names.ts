/**
 * What the API accepts as a name. Every function returns the messages of what is wrong with its argument, in upstream's
 * words, and an empty list when nothing is (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/).
 */

type Rule = { readonly pattern: RegExp; readonly message: string; readonly lengthMax: number }

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const underscoredLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const keyName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const keyNameMessage = explain(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  keyName,
  ['MyName', 'my.name', '123-abc'],
)
const unbounded = Number.POSITIVE_INFINITY

const rules = {
  label: rule(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    label,
    ['my-name', '123-abc'],
    63,
  ),
  subdomain: rule(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    subdomain,
    ['example.com'],
    253,
  ),
  underscoredSubdomain: rule(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
    `${underscoredLabel}(\\.${underscoredLabel})*`,
    ['example.com'],
    253,
  ),
  label1035: rule(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    '[a-z]([-a-z0-9]*[a-z0-9])?',
    ['my-name', 'abc-123'],
    63,
  ),
  wildcard: rule(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    `\\*\\.${subdomain}`,
    ['*.example.com'],
    253,
  ),
  labelValue: rule(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    `(${keyName})?`,
    ['MyValue', 'my_value', '12345'],
    63,
  ),
  cIdentifier: rule(
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
    '[A-Za-z_][A-Za-z0-9_]*',
    ['my_name', 'MY_NAME', 'MyName'],
    unbounded,
  ),
  percent: rule("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', ['1%', '93%'], unbounded),
  httpHeader: rule("a valid HTTP header must consist of alphanumeric characters or '-'", '[-A-Za-z0-9]+', ['X-Header-Name'], unbounded),
  configMapKey: rule(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    '[-._a-zA-Z0-9]+',
    ['key.name', 'KEY_NAME', 'key-name'],
    253,
  ),
  conditionReason: rule(
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
    '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?',
    ['my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB'],
    unbounded,
  ),
} satisfies Record<string, Rule>

const keyNamePattern = new RegExp(`^(?:${keyName})$`)

/** One part of a host name, at most 63 characters: most names of namespaces, containers and volumes. */
export function dns1123Label(value: string): string[] {
  const errors = tooLong(value, rules.label.lengthMax)
  if (rules.label.pattern.test(value)) return errors
  return [...errors, rules.subdomain.pattern.test(value) ? 'must not contain dots' : rules.label.message]
}

/** Labels joined by dots, at most 253 characters: the usual rule for metadata.name. */
export function dns1123Subdomain(value: string): string[] {
  return apply(rules.subdomain, value)
}

/** A subdomain whose labels may have underscores: what a resolver searches through. */
export function underscoredDns1123Subdomain(value: string): string[] {
  return apply(rules.underscoredSubdomain, value)
}

/** A label that begins with a letter. */
export function dns1035Label(value: string): string[] {
  return apply(rules.label1035, value)
}

/** `*.` and a subdomain. */
export function wildcardDns1123Subdomain(value: string): string[] {
  return apply(rules.wildcard, value)
}

/** `name` or `prefix.example/name`: label keys, annotation keys (in lower case), resource names, finalizers. */
export function qualifiedName(value: string): string[] {
  const parts = value.split('/')
  if (parts.length > 2)
    return [`a valid label key ${keyNameMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  const errors: string[] = []
  const prefix = parts.length === 2 ? parts[0]! : undefined
  if (prefix === '') errors.push('prefix part must be non-empty')
  else if (prefix !== undefined) errors.push(...dns1123Subdomain(prefix).map((m) => `prefix part ${m.replace(/characters$/, 'bytes')}`))
  const name = parts.at(-1)!
  if (name === '') errors.push('name part must be non-empty')
  else if (byteLength(name) > 63) errors.push(`name part ${maxBytes(63)}`)
  if (!keyNamePattern.test(name)) errors.push(`name part ${keyNameMessage}`)
  return errors
}

export function labelValue(value: string): string[] {
  const errors = byteLength(value) > rules.labelValue.lengthMax ? [maxBytes(rules.labelValue.lengthMax)] : []
  return rules.labelValue.pattern.test(value) ? errors : [...errors, rules.labelValue.message]
}

export function cIdentifier(value: string): string[] {
  return apply(rules.cIdentifier, value)
}

/** An IANA service name: 15 characters with at least one letter. */
export function portName(value: string): string[] {
  const errors = tooLong(value, 15)
  if (!/^[-a-z0-9]+$/.test(value)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)')
  if (value.includes('--')) errors.push('must not contain consecutive hyphens')
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen')
  return errors
}

export function portNumber(value: number): string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65535 ? [] : [inclusiveRange(1, 65535)]
}

/** Any printable ASCII but `=`: the rule of 1.34 and later. */
export function envVarName(value: string): string[] {
  const errors = value === '' ? ['environment variable name must be non-empty'] : []
  if (!/^[\x20-\x3c\x3e-\x7e]*$/.test(value))
    errors.push("a valid environment variable name must consist only of printable ASCII characters other than '='")
  return errors
}

/** A key of a ConfigMap or Secret: it becomes a file name. */
export function configMapKey(value: string): string[] {
  return [...apply(rules.configMapKey, value), ...leavesDirectory(value)]
}

export function percent(value: string): string[] {
  return apply(rules.percent, value)
}

export function httpHeaderName(value: string): string[] {
  return apply(rules.httpHeader, value)
}

export function conditionReason(value: string): string[] {
  return apply(rules.conditionReason, value)
}

/** A name that is one segment of a URL path (Role, ClusterRoleBinding, …). */
/** `named`: of the beginning of a name only the characters matter. */
export function pathSegmentName(value: string, named?: { readonly isPrefix: boolean }): string[] {
  if (!named?.isPrefix && (value === '.' || value === '..')) return [`may not be '${value}'`]
  return ['/', '%'].filter((c) => value.includes(c)).map((c) => `may not contain '${c}'`)
}

export function ipAddress(value: string): string[] {
  return isIpv4(value) || isIpv6(value) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']
}

export function cidr(value: string): string[] {
  const slash = value.indexOf('/')
  const address = value.slice(0, slash)
  const length = value.slice(slash + 1)
  const bits = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1
  const isValid = slash > 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits
  return isValid ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
}

/** What a generateName must satisfy: the trailing dash is replaced before the name's own rule looks. */
export function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix
}

export function maxLength(length: number): string {
  return `must be no more than ${length} characters`
}

/** Label keys and values alone are worded in bytes. */
function maxBytes(length: number): string {
  return `must be no more than ${length} bytes`
}

export function inclusiveRange(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`
}

const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const ipv4Pattern = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

export function isIpv4(value: string): boolean {
  return ipv4Pattern.test(value)
}

/** Eight groups, one `::` for a run of zeros, or a dotted quad for the last two groups. No zone. */
export function isIpv6(value: string): boolean {
  if (!value.includes(':') || value.length > 45) return false
  const halves = value.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const last = groups.at(-1)
  let count = groups.length
  if (last?.includes('.')) {
    if (!isIpv4(last) || value.endsWith(':')) return false
    groups.pop()
    count++
  }
  if (!groups.every((g) => /^[0-9a-fA-F]{1,4}$/.test(g))) return false
  return halves.length === 2 ? count <= 7 : count === 8
}

function leavesDirectory(value: string): string[] {
  if (value === '.') return ["must not be '.'"]
  if (value === '..') return ["must not be '..'"]
  return value.startsWith('..') ? ["must not start with '..'"] : []
}

function rule(message: string, expression: string, examples: readonly string[], lengthMax: number): Rule {
  return { pattern: new RegExp(`^(?:${expression})$`), message: explain(message, expression, examples), lengthMax }
}

/** The odd spacing between examples is upstream's. */
function explain(message: string, expression: string, examples: readonly string[]): string {
  return `${message} (e.g. ${examples.map((e) => `'${e}', `).join(' or ')}regex used for validation is '${expression}')`
}

function apply({ pattern, message, lengthMax }: Rule, value: string): string[] {
  if (value.length <= lengthMax && pattern.test(value)) return []
  const errors = tooLong(value, lengthMax)
  return pattern.test(value) ? errors : [...errors, message]
}

function tooLong(value: string, lengthMax: number): string[] {
  return byteLength(value) > lengthMax ? [maxLength(lengthMax)] : []
}

const isAscii = /^[\x20-\x7e]*$/

/** Bytes in UTF-8, which is what upstream's limits count. */
function byteLength(value: string): number {
  return isAscii.test(value) ? value.length : new TextEncoder().encode(value).length
}
