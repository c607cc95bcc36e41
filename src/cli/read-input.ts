import { readFileSync } from 'node:fs'
import { fileFault } from '../platform/file-fault.ts'
import { CliError } from './cli-error.ts'

/** The text of a file given with -f; `-` is standard input. Throws CliError. */
export function readInput(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new CliError(`cannot read ${file}`, { nextStep: fileFault(error), exitCode: 2, cause: error })
  }
}
