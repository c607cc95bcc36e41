import { readFileSync } from 'node:fs'
import { CliError } from './cli-error.ts'

/** The text of a file given with -f; `-` is standard input. Throws CliError. */
export function readInput(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${(error as Error).message}`, { nextStep: 'check -f', exitCode: 2, cause: error })
  }
}
