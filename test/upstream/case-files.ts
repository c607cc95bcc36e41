import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Answer, Case, Request } from './upstream-case.ts'

/** What a file under `answers/` keeps of a case, one line each: upstream's answers, and Keelson's where it differs on purpose. */
export type Recorded = { readonly case: string; readonly answers: readonly Answer[]; readonly ours?: readonly Answer[] }

const answersFile = (name: string) => new URL(`answers/${name}.jsonl`, import.meta.url)

/** Names of the files of cases, in order. */
export const caseFiles = (): string[] =>
  readdirSync(new URL('cases/', import.meta.url))
    .map((file) => file.replace(/\.ts$/, ''))
    .sort()

/** A file that states `withNulls` has its answers recorded with what is written as null, and compared so. */
export async function casesOf(name: string): Promise<readonly Case[]> {
  const { cases, withNulls } = (await import(`./cases/${name}.ts`)) as { cases: readonly Case[]; withNulls?: true }
  return withNulls ? cases.map((one) => ({ ...one, withNulls })) : cases
}

/** What is sent before the file's cases and stays until their end: the definitions that their objects are of. */
export async function givenOf(name: string): Promise<readonly Request[]> {
  const { given = [] } = (await import(`./cases/${name}.ts`)) as { given?: readonly Request[] }
  return given
}

/** Gates off by default that the file's cases need on where they are recorded, as the flag `--feature-gates` takes them. */
export async function featureGatesOf(name: string): Promise<string> {
  const { featureGates = '' } = (await import(`./cases/${name}.ts`)) as { featureGates?: string }
  return featureGates
}

/** What the flag `--service-cluster-ip-range` has to say where the file's cases are recorded; undefined: the default. */
export async function serviceRangeOf(name: string): Promise<string | undefined> {
  const { serviceRange } = (await import(`./cases/${name}.ts`)) as { serviceRange?: string }
  return serviceRange
}

/** The lines of the policy file by which those are judged, too, whom the roles allow nothing; undefined: there is none. */
export async function abacPoliciesOf(name: string): Promise<string | undefined> {
  const { abacPolicies } = (await import(`./cases/${name}.ts`)) as { abacPolicies?: string }
  return abacPolicies
}

/** Whether the policies of the file's cases are checked for their types, which a controller does upstream. */
export async function checksPolicyTypesOf(name: string): Promise<boolean> {
  const { checksPolicyTypes = false } = (await import(`./cases/${name}.ts`)) as { checksPolicyTypes?: boolean }
  return checksPolicyTypes
}

export function recordedOf(name: string): Map<string, Recorded> {
  const lines = readFileSync(answersFile(name), 'utf8').trim().split('\n')
  return new Map(lines.map((line) => JSON.parse(line) as Recorded).map((one) => [one.case, one]))
}

export function writeRecorded(name: string, all: readonly Recorded[]): void {
  writeFileSync(answersFile(name), all.map((one) => `${JSON.stringify(one)}\n`).join(''))
}
