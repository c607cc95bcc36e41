/** Values of flags by name, checked as they are read. */
import { readFileSync } from 'node:fs'
import { CliError } from '../../cli/cli-error.ts'
import { parseGoDuration } from '../../machinery/wire/go-duration.ts'

/** The values of the flags by name; lists for those that may be repeated. */
export type FlagValues = Readonly<Record<string, string | readonly string[] | undefined>>

/** Every reader throws CliError (exit code 2), which names the flag, for what cannot be used. */
export type FlagReader = {
  text(name: string): string | undefined
  /** Each of a flag that may be repeated, as it was given. */
  texts(name: string): readonly string[]
  /** Separated by commas, and the flag may be repeated. Undefined: it was not given. */
  list(name: string): readonly string[] | undefined
  isTrue(name: string, byDefault: boolean): boolean
  wholeNumber(name: string, byDefault: number): number
  /** In milliseconds, written as Go does or in days; `0` is no time at all. */
  durationMs(name: string, byDefault: number): number
  oneOf<T extends string>(name: string, choices: readonly T[], byDefault: T): T
  /** The content of the file that the flag names. */
  file(name: string): string | undefined
  /** Runs what checks a flag's value: what it throws is told with the flag's name. */
  using<T>(name: string, read: () => T): T
}

export function createFlagReader(flags: FlagValues): FlagReader {
  const texts = (name: string): readonly string[] => {
    const value = flags[name]
    return value === undefined ? [] : typeof value === 'string' ? [value] : value
  }
  const list = (name: string) => {
    if (flags[name] === undefined) return undefined
    return texts(name)
      .flatMap((text) => text.split(','))
      .map((text) => text.trim())
      .filter(Boolean)
  }
  const text = (name: string) => texts(name).at(-1)
  const read = <T>(name: string, byDefault: T, parse: (value: string) => T): T => {
    const value = text(name)
    return value === undefined ? byDefault : using(name, () => parse(value))
  }
  return {
    text,
    texts,
    list,
    using,
    isTrue: (name, byDefault) =>
      read(name, byDefault, (value) => {
        if (value !== 'true' && value !== 'false') throw new Error('it is true or false')
        return value === 'true'
      }),
    wholeNumber: (name, byDefault) =>
      read(name, byDefault, (value) => {
        if (!/^\d{1,9}$/.test(value)) throw new Error('it is a whole number')
        return Number(value)
      }),
    durationMs: (name, byDefault) => read(name, byDefault, parseMs),
    oneOf: <T extends string>(name: string, choices: readonly T[], byDefault: T) =>
      read<T>(name, byDefault, (value) => {
        const found = choices.find((choice) => choice === value)
        if (found === undefined) throw new Error(`it is one of ${choices.join(', ')}`)
        return found
      }),
    file: (name) => {
      const path = text(name)
      return path === undefined ? undefined : using(name, () => readFileSync(path, 'utf8'))
    },
  }
}

function parseMs(text: string): number {
  const days = /^(\d{1,6})d$/.exec(text)
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : undefined
  const ms = days ? Number(days[1]) * 86_400_000 : (seconds ?? (parseGoDuration(text) ?? Number.NaN) / 1e6)
  if (!(ms >= 0)) throw new Error('it is a duration such as 30s, 15m or 24h')
  return ms
}

function using<T>(flag: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError(`cannot use --${flag}: ${(error as Error).message}`, {
      nextStep: 'docs/reference/server.md tells what it takes',
      exitCode: 2,
      cause: error,
    })
  }
}
