import { CliError } from './cli-error.ts'

export type CommandFact = {
  readonly name: string
  readonly description: string
  readonly options: readonly string[]
  readonly subcommands?: readonly string[]
}

/** A completion script for the shell: commands, their flags, and pod names for the commands that take one. */
export function completionScript(shell: string, commands: readonly CommandFact[]): string {
  if (shell === 'bash') return bash(commands)
  if (shell === 'zsh') return `autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`
  if (shell === 'fish') return fish(commands)
  throw new CliError(`no completion for "${shell}"`, { nextStep: 'name bash, zsh or fish', exitCode: 2 })
}

/** The flags that a help text lists, one at the beginning of a line. */
export const flagsOfHelp = (help: string): readonly string[] => [...help.matchAll(/^ {2}(--[a-z][a-z0-9-]*)/gm)].map(([, flag]) => flag!)

const podCommands: readonly string[] = ['start', 'stop', 'restart', 'pause', 'resume', 'explain', 'logs']
/** What an argument may be, where there are few. */
const argumentWords: Readonly<Record<string, readonly string[]>> = {
  completion: ['bash', 'zsh', 'fish'],
  keys: ['encryption', 'service-accounts'],
}
const wordsOf = (command: CommandFact) => [...(command.subcommands ?? []), ...(argumentWords[command.name] ?? [])]
const targets = 'kubectl get pods,deployments -o name 2>/dev/null | sed s/deployment.apps/deployment/'

function bash(commands: readonly CommandFact[]): string {
  const cases = commands.map((c) => {
    const words = [...wordsOf(c), ...(podCommands.includes(c.name) ? [`$(${targets})`] : [])].join(' ')
    return `    ${c.name}) case $cur in -*) words="${c.options.join(' ')}" ;; *) words="${words}" ;; esac ;;`
  })
  return `_keelson() {
  local cur=\${COMP_WORDS[COMP_CWORD]} words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((c) => c.name).join(' ')}" -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _keelson keelson ./keelson
`
}

function fish(commands: readonly CommandFact[]): string {
  const lines = commands.flatMap((c) => {
    const inCommand = `complete -c keelson -n '__fish_seen_subcommand_from ${c.name}'`
    return [
      `complete -c keelson -n __fish_use_subcommand -f -a ${c.name} -d '${c.description.replace(/'/g, "\\'")}'`,
      ...wordsOf(c).map((word) => `${inCommand} -f -a ${word}`),
      ...(podCommands.includes(c.name) ? [`${inCommand} -f -a '(${targets})'`] : []),
      ...c.options.map((o) => `${inCommand} -l ${o.replace(/^--/, '')}`),
    ]
  })
  return `${lines.join('\n')}\n`
}
