/**
 * How Go's YAML encoder writes text: which style it takes, from what is in the text and where it stands. Characters are code points.
 */

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal'

/** A key is one line at most; a text that would be read as something else is quoted. */
export function scalarStyle(text: string, place: { readonly isSimpleKey: boolean }): ScalarStyle {
  const allowed = analyze(text)
  if (text.includes('\n')) return allowed.literal && !place.isSimpleKey ? 'literal' : 'double'
  if (readsOtherwise(text) || (place.isSimpleKey && allowed.isMultiline)) return 'double'
  if (allowed.plain) return 'plain'
  return allowed.single ? 'single' : 'double'
}

/** Whether it takes several lines: line feeds, and Unicode's own separators. */
export const isMultiline = (text: string) => /[\n\r\u0085\u2028\u2029]/.test(text)

/** What may be written as it is: no tabs, no controls, nothing beyond the basic plane, no byte order mark. */
export const isPrintable = (char: string) => /[\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/.test(char) && char.length === 1

const indicator = /^(?:[#,[\]{}&*!|>'"%@`]|[-?](?:[ \t]|$)|---|\.\.\.)|:(?:[ \t]|$)|[ \t]#/

function analyze(text: string) {
  const isEdged = /^[ \n\r\u0085\u2028\u2029]|[ \n\r\u0085\u2028\u2029]$/.test(text)
  const isSpecial = Array.from(text).some((char) => !isPrintable(char)) || / [\n\r\u0085\u2028\u2029]/.test(text)
  const startsLineWithSpace = /[\n\r\u0085\u2028\u2029] /.test(text)
  return {
    isMultiline: isMultiline(text),
    plain: text !== '' && !isEdged && !isSpecial && !isMultiline(text) && !indicator.test(text),
    single: !isSpecial && !startsLineWithSpace,
    literal: !isSpecial && !text.endsWith(' '),
  }
}

const constants =
  /^(?:|~|null|Null|NULL|[yYnN]|yes|Yes|YES|on|On|ON|no|No|NO|off|Off|OFF|true|True|TRUE|false|False|FALSE|\.nan|\.NaN|\.NAN|[+-]?\.(?:inf|Inf|INF))$/
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/

/** Whether readers of YAML 1.1 take it for something else than a text. */
function readsOtherwise(text: string): boolean {
  if (constants.test(text)) return true
  if (!/^[-+0-9.]/.test(text)) return false
  // What begins with a point may have underscores between digits alone.
  if (text.startsWith('.') && /(?<![0-9])_|_(?![0-9])/.test(text)) return false
  const digits = text.replaceAll('_', '')
  return isInteger(digits) || (float.test(digits) && Number.isFinite(Number(digits))) || base60.test(text) || isTimestamp(text)
}

function isInteger(text: string): boolean {
  const [, sign = '', base = '', digits = ''] =
    /^([-+]?)(0[xX](?=[0-9a-fA-F])|0[bB](?=[01])|0[oO]?(?=[0-7])|)([0-9a-fA-F]+)$/.exec(text) ?? []
  const form = base.toLowerCase()
  const isOfBase = form === '0x' || (form === '0b' ? /^[01]+$/ : form === '' ? /^(?:0|[1-9][0-9]*)$/ : /^[0-7]+$/).test(digits)
  if (digits === '' || !isOfBase) return false
  const value = BigInt(`${form === '0' ? '0o' : form}${digits}`)
  if (sign === '') return value < 1n << 64n
  return value < 1n << 63n || (sign === '-' && value === 1n << 63n)
}

const date = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(Z|[-+]\d\d:\d\d)?)?$/

function isTimestamp(text: string): boolean {
  const [, year, month, day, separator, hour = 0, minute = 0, second = 0, zone] = date.exec(text) ?? []
  if (day === undefined || (separator !== undefined && (separator === ' ') !== (zone === undefined))) return false
  const days = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate()
  return (
    isIn(Number(month), 1, 12) &&
    isIn(Number(day), 1, days) &&
    isIn(Number(hour), 0, 23) &&
    isIn(Number(minute), 0, 59) &&
    isIn(Number(second), 0, 59)
  )
}

const isIn = (value: number, min: number, max: number) => value >= min && value <= max
