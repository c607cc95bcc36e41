/** Custom objects: what the formats of texts promise. */
import { ofSpec, serving, specs, version } from '../custom-objects.ts'
import type { Case } from '../upstream-case.ts'

/** By format the texts that one list of such texts holds: what is said names those that are none. */
const texts: Readonly<Record<string, readonly string[]>> = {
  bsonobjectid: ['507f1f77bcf86cd799439011', '507f1f77bcf86cd79943901', 'z07f1f77bcf86cd799439011', ''],
  byte: ['', 'YQ==', 'YWI=', 'YWJj', 'Y', 'YQ', '***=', 'YQ=\n='],
  cidr: ['10.0.0.0/8', 'fd00::/64', '10.0.0.0', '10.0.0.0/33', '010.0.0.0/8', '10.0.0.1/08', '::/129', '/8', '10.0.0.0/-1'],
  creditcard: ['4111111111111111', '4111-1111-1111-1111', '4111111111111112', '123', '', '378282246310005', '6011111111111117'],
  date: ['2026-01-31', '2026-02-30', '2026-13-01', '20260131', '2026-1-1', '', '0000-01-01'],
  'date-time': [
    '2026-01-31T10:00:00Z',
    '2026-01-31t10:00:00z',
    '2026-01-31T10:00:00.5+02:00',
    '2026-01-31T10:00:00',
    '2026-01-31 10:00:00Z',
    '2026-02-31T10:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T10:00:60Z',
    '2026-01-31T10:00Z',
    '2026-01-31',
    'now',
    '',
  ],
  datetime: ['2026-01-31T10:00:00Z', 'now'],
  duration: ['1h30m', '5 minutes', '1.5h', '3 days', '1d', '2w', 'soon', '', '5', '-1h', '1 h 2 m', '0', '22 ns', '1 fortnight', '1y'],
  email: ['a@b.example', 'A <a@b.example>', 'a.example', 'a b@c', '@b', 'a@', '', 'a@b', '"a b"@c.d', 'ä@b.example'],
  hexcolor: ['#fff', 'FFFFFF', '#ffff', 'red', ''],
  hostname: ['a.example', '-a', 'a-', 'a..b', '', 'A_b.c', `${'a'.repeat(64)}.b`, 'a.', '1.2.3.4', 'ä.example', 'localhost'],
  ipv4: ['10.0.0.1', '10.0.0.256', '::1', '010.0.0.1', '10.0.0', '::ffff:1.2.3.4', ''],
  ipv6: ['::1', '10.0.0.1', 'fe80::1%eth0', '::ffff:1.2.3.4', ':::', '', '1:2:3:4:5:6:7:8'],
  isbn: ['0321751043', '978-0321751041', '0321751044', '12'],
  isbn10: ['0321751043', '0-321-75104-3', '978-0321751041', '080442957X'],
  isbn13: ['978-0321751041', '9780321751042', '0321751043'],
  mac: ['00:00:5e:00:53:01', '00-00-5e-00-53-01', '0000.5e00.5301', '02:00:5e:10:00:00:00:01', '00:00:5e', '00:00-5e:00:53:01', ''],
  password: ['anything', ''],
  rgbcolor: ['rgb(0,31,255)', 'rgb(1, 2, 3)', 'rgb(256,0,0)', 'rgba(0,0,0,0)', ''],
  ssn: ['111-00-1234', '111001234', '11100123', ''],
  uri: [
    'https://a.example/b',
    '/path',
    'nothing',
    'a b',
    '',
    '*',
    'a:b',
    'https://a b',
    'https://[::1',
    'http://%zz',
    '//a',
    '?q',
    'https://a/%zz',
    '/a b',
    'https://u:p@a:8/b',
    'https://a:b',
  ],
  uuid: ['123e4567-e89b-12d3-a456-426614174000', '123E4567E89B12D3A456426614174000', '123e4567', ''],
  uuid3: ['123e4567-e89b-32d3-a456-426614174000', '123e4567-e89b-42d3-a456-426614174000'],
  uuid4: ['123e4567-e89b-42d3-a456-426614174000', '123e4567-e89b-42d3-c456-426614174000'],
  uuid5: ['123e4567-e89b-52d3-a456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
  'k8s-short-name': ['a-b', 'A', 'a.b', '', 'a'.repeat(64), '1'],
  'k8s-long-name': ['a-b.c', 'A', 'a..b', '', 'a'.repeat(64), 'a'.repeat(254)],
  'unheard-of': ['anything'],
  'ip-v4': ['10.0.0.1', 'x'],
}

/** A name of a field for a format. */
const nameOf = (format: string) => format.replaceAll('-', '_')

const fields = {
  ...Object.fromEntries(Object.keys(texts).map((format) => [nameOf(format), { type: 'array', items: { type: 'string', format } }])),
  one: { type: 'string', format: 'date' },
  either: { 'x-kubernetes-int-or-string': true, format: 'date' },
  number: { type: 'number', format: 'double' },
  integer: { type: 'integer', format: 'int64' },
  other: { type: 'integer', format: 'uint8' },
}

export const given = serving('formats', [version(ofSpec(fields))])

export const cases: readonly Case[] = specs('formats', {
  ...Object.fromEntries(Object.entries(texts).map(([format, all]) => [`texts of the format ${format}`, { [nameOf(format)]: all }])),
  'a number where a date is wanted': { one: 1 },
  'a fraction where a date is wanted': { one: 1.5 },
  'a truth where a date is wanted': { one: true },
  'an object where a date is wanted': { one: {} },
  'a list where a date is wanted': { one: [] },
  'null where a date is wanted': { one: null },
  'a number where either is wanted': { either: 1 },
  'a text where either is wanted': { either: 'x' },
  'a text where a double is wanted': { number: 'x' },
  'a whole number where a double is wanted': { number: 1 },
  'a text where an int64 is wanted': { integer: 'x' },
  'a fraction where an int64 is wanted': { integer: 1.5 },
  'a truth where an int64 is wanted': { integer: true },
  'a large number of a format that is not known': { other: 1000 },
})
