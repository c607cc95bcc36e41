import type { ContainerSpec, SandboxSpec } from '../contract.ts'
import type { UsageCurve } from './usage-curve.ts'

/** How one simulated container acts. Times are virtual milliseconds. */
export type FakeBehaviour = {
  /** Undefined: it runs until it is stopped. */
  readonly exitAfterMs: number | undefined
  readonly exitCode: number
  readonly oomKilled: boolean
  /** Exit code on SIGTERM; undefined: the signal is ignored and only SIGKILL (137) ends it. */
  readonly exitCodeOnTerm: number | undefined
  /** Time from SIGTERM to the exit. */
  readonly stopMs: number
  /** startContainer fails with this message. */
  readonly startError: string | undefined
  /** Lines written when it starts. */
  readonly output: readonly string[]
  /** Exit code of every exec that no answer of the runtime's options covers. */
  readonly execExitCode: number
  /** What it reports while it runs; undefined: what the engine's options say. */
  readonly cpuMilli: number | undefined
  readonly memoryBytes: number | undefined
  /** In place of both: what it uses over its life. */
  readonly usage: UsageCurve | undefined
}

export const runsForever: FakeBehaviour = {
  exitAfterMs: undefined,
  exitCode: 0,
  oomKilled: false,
  exitCodeOnTerm: 0,
  stopMs: 20,
  startError: undefined,
  output: [],
  execExitCode: 0,
  cpuMilli: undefined,
  memoryBytes: undefined,
  usage: undefined,
}
const endsAtOnce: FakeBehaviour = { ...runsForever, exitAfterMs: 0 }

/**
 * What a container does, from the most specific source: the pod annotation `fake.keelson.dev/<container>` (JSON of FakeBehaviour's
 * fields), an image named `…/fake-<what>[:<tag>]`, a command that the simulation understands; else it runs until it is stopped, or, as an
 * init container, has done its work at once: no pod would ever come up behind one that does not end.
 * Images: `fake-exit:CODE` or `fake-exit:CODE-MS`, `fake-oom:MS`, `fake-stubborn` (ignores SIGTERM), `fake-unstartable`.
 * Commands: `true`, `false`, `sleep N`, `echo WORDS`, and a shell line made of `sleep N`, `echo WORDS` and `exit N`.
 * Throws for an annotation that is none: the container is not created then, with that reason.
 */
export function fakeBehaviourOf(spec: ContainerSpec, sandbox: SandboxSpec): FakeBehaviour {
  const annotated = sandbox.annotations[`fake.keelson.dev/${spec.name}`]
  if (annotated !== undefined) return fromAnnotation(`fake.keelson.dev/${spec.name}`, annotated)
  return fromImage(spec.userImage) ?? fromCommand([...spec.command, ...spec.args]) ?? (spec.isAwaited ? endsAtOnce : runsForever)
}

const annotatedFields: Readonly<Record<keyof FakeBehaviour, (value: unknown) => boolean>> = {
  exitAfterMs: isAmount,
  exitCode: Number.isInteger,
  oomKilled: (value) => typeof value === 'boolean',
  exitCodeOnTerm: Number.isInteger,
  stopMs: isAmount,
  startError: (value) => typeof value === 'string',
  output: (value) => Array.isArray(value) && value.every((line) => typeof line === 'string'),
  execExitCode: Number.isInteger,
  cpuMilli: isAmount,
  memoryBytes: isAmount,
  usage: (value) => typeof value === 'object' && Array.isArray((value as Partial<UsageCurve>).points),
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/** A field that is null is one that was not given; `exitCodeOnTerm: null` has SIGTERM ignored. */
function fromAnnotation(name: string, text: string): FakeBehaviour {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw new Error(`the annotation ${name} is not JSON: ${(error as Error).message}`, { cause: error })
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new Error(`the annotation ${name} is not a JSON object`)
  const behaviour: Record<string, unknown> = { ...runsForever }
  for (const [field, value] of Object.entries(given)) {
    const fits = Object.hasOwn(annotatedFields, field) ? annotatedFields[field as keyof FakeBehaviour] : undefined
    if (!fits) throw new Error(`the annotation ${name} has no field "${field}": it takes ${Object.keys(annotatedFields).join(', ')}`)
    if (value !== null && !fits(value)) throw new Error(`the annotation ${name}: ${field} cannot be ${JSON.stringify(value)}`)
    if (value !== null) behaviour[field] = value
    else if (field === 'exitCodeOnTerm') behaviour[field] = undefined
  }
  // Each field was held against its type above.
  return behaviour as FakeBehaviour
}

function fromImage(image: string): FakeBehaviour | undefined {
  const match = /(?:^|\/)fake-([a-z]+)(?::(.+))?$/.exec(image)
  if (!match) return undefined
  const [first = '', second = ''] = (match[2] ?? '').split('-')
  switch (match[1]) {
    case 'exit':
      return { ...runsForever, exitCode: Number(first) || 0, exitAfterMs: Number(second) || 0 }
    case 'oom':
      return { ...runsForever, exitCode: 137, oomKilled: true, exitAfterMs: Number(first) || 0 }
    case 'stubborn':
      return { ...runsForever, exitCodeOnTerm: undefined }
    case 'unstartable':
      return { ...runsForever, startError: 'exec: "nothing": executable file not found in $PATH' }
    default:
      return undefined
  }
}

function fromCommand(words: readonly string[]): FakeBehaviour | undefined {
  const name = words[0]?.split('/').at(-1)
  if (name === 'true') return { ...runsForever, exitAfterMs: 0 }
  if (name === 'false') return { ...runsForever, exitAfterMs: 0, exitCode: 1 }
  if (name === 'sleep') return { ...runsForever, exitAfterMs: seconds(words[1]) }
  if (name === 'echo') return { ...runsForever, exitAfterMs: 0, output: [words.slice(1).join(' ')] }
  if ((name === 'sh' || name === 'bash') && words[1] === '-c') return fromShellLine(words[2] ?? '')
  return undefined
}

function fromShellLine(line: string): FakeBehaviour | undefined {
  const output: string[] = []
  let elapsedMs = 0
  for (const statement of line.split(/;|&&|\n/)) {
    const [command = '', ...rest] = statement.trim().split(/\s+/)
    if (command === '') continue
    if (command === 'sleep') elapsedMs += seconds(rest[0])
    else if (command === 'echo') output.push(rest.join(' ').replace(/^(["'])(.*)\1$/, '$2'))
    else if (command === 'exit') return { ...runsForever, output, exitAfterMs: elapsedMs, exitCode: Number(rest[0]) || 0 }
    else if (command !== 'true') return undefined
  }
  return { ...runsForever, output, exitAfterMs: elapsedMs }
}

function seconds(text: string | undefined): number {
  if (text === 'inf' || text === 'infinity') return 2 ** 31 - 1
  return (Number(text) || 0) * 1000
}
