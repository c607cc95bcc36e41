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

const podCommands = ['start', 'stop', 'restart', 'pause', 'resume', 'explain', 'logs']

function bash(commands: readonly CommandFact[]): string {
  const cases = commands.map((c) => `    ${c.name}) flags="${[...(c.subcommands ?? []), ...c.options].join(' ')}" ;;`).join('\n')
  return `_keelson() {
  local cur=\${COMP_WORDS[COMP_CWORD]} flags=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((c) => c.name).join(' ')}" -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases}
  esac
  case \${COMP_WORDS[1]} in
    ${podCommands.join('|')})
      case $cur in -*) ;; *) flags="$flags $(kubectl get pods,deployments -o name 2>/dev/null | sed s/deployment.apps/deployment/)" ;; esac ;;
  esac
  COMPREPLY=($(compgen -W "$flags" -- "$cur"))
}
complete -o default -F _keelson keelson ./keelson
`
}

function fish(commands: readonly CommandFact[]): string {
  const lines = commands.flatMap((c) => [
    `complete -c keelson -n __fish_use_subcommand -f -a ${c.name} -d '${c.description.replace(/'/g, "\\'")}'`,
    ...(c.subcommands ?? []).map((sub) => `complete -c keelson -n '__fish_seen_subcommand_from ${c.name}' -f -a ${sub}`),
    ...c.options.map((o) => `complete -c keelson -n '__fish_seen_subcommand_from ${c.name}' -l ${o.replace(/^--/, '')}`),
  ])
  return `${lines.join('\n')}\n`
}
