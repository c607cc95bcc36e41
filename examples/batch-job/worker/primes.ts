// One piece of the work: how many primes lie in this index's share of the numbers below LIMIT. The answer is the pod's
// termination message, so that it can be read from the pod's status when the container is long gone.
import { writeFileSync } from 'node:fs'

const index = Number(process.env.JOB_COMPLETION_INDEX)
const pieces = Number(process.env.PIECES)
const limit = Number(process.env.LIMIT)
if (![index, pieces, limit].every(Number.isInteger)) {
  console.error('JOB_COMPLETION_INDEX, PIECES and LIMIT must be whole numbers')
  process.exit(2)
}

const from = Math.floor((limit * index) / pieces)
const to = Math.floor((limit * (index + 1)) / pieces)
const primes = countPrimes(from, to)
console.log(`${primes} primes from ${from} to ${to}`)
writeFileSync('/dev/termination-log', JSON.stringify({ index, from, to, primes }))

/** A sieve over the piece alone, by the primes up to its end's square root. */
function countPrimes(start: number, end: number): number {
  const isComposite = new Uint8Array(end - start)
  for (let factor = 2; factor * factor < end; factor++) {
    const first = Math.max(factor * factor, Math.ceil(start / factor) * factor)
    for (let multiple = first; multiple < end; multiple += factor) isComposite[multiple - start] = 1
  }
  let count = 0
  for (let number = Math.max(2, start); number < end; number++) if (isComposite[number - start] === 0) count++
  return count
}
