import { isIPv4, isIPv6 } from 'node:net'
import { dns1123Label, dns1123Subdomain } from '../names.ts'

/** What the `format` of a string promises. Formats that are not here promise nothing, as upstream. */
type Format = (text: string) => boolean

const matching =
  (pattern: RegExp): Format =>
  (text) =>
    pattern.test(text)

const uuid = (version: string) => matching(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i'))
const strictUuid = (version: string) =>
  matching(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$`, 'i'))

const formats: Readonly<Record<string, Format>> = {
  bsonobjectid: matching(/^[0-9a-f]{24}$/i),
  byte: isBase64,
  cidr: isCidr,
  creditcard: (text) => isLuhn(text.replace(/[^0-9]/g, '')),
  date: isDate,
  datetime: isDateTime,
  duration: isDuration,
  email: matching(/^[^\s@<>()[\]\\,;:"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/),
  hexcolor: matching(/^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i),
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  k8sshortname: (text) => dns1123Label(text).length === 0,
  k8slongname: (text) => dns1123Subdomain(text).length === 0,
  mac: matching(/^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i),
  password: () => true,
  rgbcolor: isRgb,
  ssn: matching(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  uri: isUri,
  uuid: uuid('[0-9a-f]'),
  uuid3: uuid('3'),
  uuid4: strictUuid('4'),
  uuid5: strictUuid('5'),
}

/** Whether a text is of a format; undefined when the format is not known. Upstream ignores dashes in names of formats. */
export function hasFormat(name: string, text: string): boolean | undefined {
  return formatOf(name)?.(text)
}

export function isKnownFormat(name: string): boolean {
  return formatOf(name) !== undefined
}

function formatOf(name: string): Format | undefined {
  const plain = name.replaceAll('-', '')
  return Object.hasOwn(formats, plain) ? formats[plain] : undefined
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
}

function isCidr(text: string): boolean {
  const [address = '', bits, rest] = text.split('/')
  if (bits === undefined || rest !== undefined || !/^\d{1,3}$/.test(bits)) return false
  return isIPv4(address) ? Number(bits) <= 32 : isIPv6(address) && Number(bits) <= 128
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const ms = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.exec(text)
  if (!match) return false
  const [, day = '', hours, minutes, seconds] = match
  return isDate(day) && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) <= 60
}

/** Go's durations, and ones in words ("3 hours"). */
function isDuration(text: string): boolean {
  if (/^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.test(text)) return true
  return /^(?:\d+\s*(?:nanoseconds?|nanos?|ns|microseconds?|micros?|us|µs|milliseconds?|millis?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?|w)\s*)+$/.test(
    text,
  )
}

function isHostname(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false
  return text
    .split('.')
    .every((label) => /^[A-Za-z0-9_\u00a1-\uffff](?:[A-Za-z0-9_\u00a1-\uffff-]{0,61}[A-Za-z0-9_\u00a1-\uffff])?$/.test(label))
}

function isRgb(text: string): boolean {
  const match = /^rgb\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(text)
  return match !== null && match.slice(1).every((part) => Number(part) <= 255)
}

/** As Go's url.ParseRequestURI: absolute, or a path from the root. */
function isUri(text: string): boolean {
  if (text === '' || /[\s\p{Cc}]/u.test(text)) return false
  return text.startsWith('/') || text === '*' || /^[A-Za-z][A-Za-z0-9+.-]*:.+/.test(text)
}

function isLuhn(digits: string): boolean {
  if (!/^\d{12,19}$/.test(digits)) return false
  let sum = 0
  for (const [i, digit] of digits.split('').reverse().entries()) {
    const doubled = Number(digit) * (i % 2 === 0 ? 1 : 2)
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{9}[\dX]$/.test(digits)) return false
  return digits.split('').reduce((sum, digit, i) => sum + (10 - i) * (digit === 'X' ? 10 : Number(digit)), 0) % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  return /^\d{13}$/.test(digits) && digits.split('').reduce((sum, digit, i) => sum + Number(digit) * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0
}
