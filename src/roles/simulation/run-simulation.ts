import { readScenario } from './scenario.ts'
import { simulate } from './simulate.ts'
import { reportText } from './simulation-report.ts'

/** `keelson simulate`: reads the scenario, plays it, and says what came of it. Throws CliError for a scenario that is none. */
export async function runSimulation({ file, yaml, seed }: { file: string; yaml: string; seed: number | undefined }) {
  const scenario = readScenario(file, yaml)
  const document = await simulate(seed === undefined ? scenario : { ...scenario, seed })
  return { text: reportText(document), document }
}
