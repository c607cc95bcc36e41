import { isIPv6 } from 'node:net'
import { isEmail, isUri } from './address-formats.ts'
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

const rgbPart = String.raw`\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*`
const cardNumber =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/

const formats: Readonly<Record<string, Format>> = {
  bsonobjectid: matching(/^[0-9a-f]{24}$/i),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  cidr: isCidr,
  creditcard: (text) => isCreditCard(text.replace(/[^0-9]/g, '')),
  date: isDate,
  datetime: isDateTime,
  duration: isDuration,
  email: isEmail,
  hexcolor: matching(/^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i),
  hostname: isHostname,
  ipv4: (text) => text.includes('.') && (isIpv4(text) || isPlainIpv6(text)),
  ipv6: (text) => isPlainIpv6(text),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  k8sshortname: (text) => dns1123Label(text).length === 0,
  k8slongname: (text) => dns1123Subdomain(text).length === 0,
  mac: isMac,
  password: () => true,
  rgbcolor: matching(new RegExp(`^rgb\\(${rgbPart},${rgbPart},${rgbPart}\\)$`)),
  ssn: matching(/^(?=.{11}$)\d{3}[- ]?\d{2}[- ]?\d{4}$/),
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

/** Leading zeros are let pass, as they were by Go once. */
const isIpv4 = (text: string) => /^\d+\.\d+\.\d+\.\d+$/.test(text) && text.split('.').every((part) => Number(part) <= 255)
const isPlainIpv6 = (text: string) => isIPv6(text) && !text.includes('%')

function isCidr(text: string): boolean {
  const match = /^([^/]*)\/(\d+)$/.exec(text)
  if (!match) return false
  const [, address = '', bits] = match
  return isIpv4(address) ? Number(bits) <= 32 : isPlainIpv6(address) && Number(bits) <= 128
}

/** Of 6, 8 or 20 bytes. */
function isMac(text: string): boolean {
  const bytes = [/^[0-9a-f]{2}(?:(:[0-9a-f]{2})+|(-[0-9a-f]{2})+)$/i, /^[0-9a-f]{4}(?:\.[0-9a-f]{4})+$/i].some((form) => form.test(text))
    ? text.replace(/[:.-]/g, '').length / 2
    : 0
  return bytes === 6 || bytes === 8 || bytes === 20
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const ms = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

function isDateTime(text: string): boolean {
  const [day = '', time = ''] = text.toLowerCase().split('t')
  if (!isDate(day)) return false
  const match = /^(\d\d):(\d\d):(\d\d)(?:.\d+)?(?:z|[+-]\d\d:\d\d)$/.exec(time)
  if (!match) return false
  const [, hours, minutes, seconds] = match
  return Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60
}

const durationUnits = /^(?:ns|nano.*|us|µs|micro.*|ms|milli.*|s|sec.*|m|min.*|h|hr|hour.*|d|day.*|w|wk|week.*)$/i

/** Go's durations, and texts that name one in words ("3 hours"). */
function isDuration(text: string): boolean {
  if (/^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.test(text)) return true
  return [...text.matchAll(/\d+\s*([A-Za-zµ]+)/g)].some(([, unit = '']) => durationUnits.test(unit))
}

/** One label, or several of which the last has letters only. */
const hostname =
  /^(?:[a-zA-Z0-9\p{S}\p{L}](?:-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?|(?:[a-zA-Z0-9\p{S}\p{L}](?:[a-zA-Z0-9\p{S}\p{L}-]{0,61}[a-zA-Z0-9\p{S}\p{L}])?\.)+[a-zA-Z\p{L}]{2,63})$/u

function isHostname(text: string): boolean {
  if (!hostname.test(text) || Buffer.byteLength(text) > 255) return false
  return text.split('.').every((label) => Buffer.byteLength(label) <= 63)
}

function isCreditCard(digits: string): boolean {
  if (!cardNumber.test(digits)) return false
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
