import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counter, exposition, type Family, Histogram } from './exposition.ts'

function check(families: readonly Family[], lines: readonly string[]): void {
  assert.deepEqual(exposition(families).split('\n'), [...lines, ''])
}

test('label values and help are escaped, times follow the value', () => {
  const help = 'a \\ b\nc'
  const samples = [{ labels: { pod: 'a"b\\c\nd' }, value: 1.5, atMs: 1000.4 }, { value: Number.POSITIVE_INFINITY }]
  check(
    [{ name: 'x', type: 'gauge', help, samples }],
    ['# HELP x a \\\\ b\\nc', '# TYPE x gauge', 'x{pod="a\\"b\\\\c\\nd"} 1.5 1000', 'x +Inf'],
  )
})

test('a family without a sample is left out', () => {
  check([{ name: 'x', type: 'gauge', help: 'h', samples: [] }], [])
  check([new Counter({ name: 'c', help: 'h', labels: ['a'] }).family()], [])
})

test('a counter without labels is told before it counts', () => {
  check([new Counter({ name: 'c', help: 'h' }).family()], ['# HELP c h', '# TYPE c counter', 'c 0'])
})

test('counters add up by their labels', () => {
  const counter = new Counter({ name: 'c', help: 'h', labels: ['a', 'b'] })
  counter.add('1', '')
  counter.add('1', '')
  counter.add('2', 'y')
  check([counter.family()], ['# HELP c h', '# TYPE c counter', 'c{a="1",b=""} 2', 'c{a="2",b="y"} 1'])
})

test("a histogram's buckets hold all that lies below", () => {
  const histogram = new Histogram({ name: 'h', help: 'h', labels: ['a'], buckets: [1, 2] })
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value, 'x')
  check(
    [histogram.family()],
    [
      '# HELP h h',
      '# TYPE h histogram',
      'h_bucket{a="x",le="1"} 2',
      'h_bucket{a="x",le="2"} 3',
      'h_bucket{a="x",le="+Inf"} 4',
      'h_sum{a="x"} 12',
      'h_count{a="x"} 4',
    ],
  )
})
