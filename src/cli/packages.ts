import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { CliError } from './cli-error.ts'

/** A program that real containers need, the Debian package that has it, and what for. */
export type Need = { readonly file: string; readonly package: string; readonly why: string }

export const containerNeeds: readonly Need[] = [
  { file: 'containerd', package: 'containerd', why: 'runs the containers' },
  { file: 'runc', package: 'runc', why: 'starts each container' },
  { file: '/usr/lib/cni/bridge', package: 'containernetworking-plugins', why: "makes the pods' interfaces" },
  { file: 'nft', package: 'nftables', why: 'carries the service network' },
  { file: 'conntrack', package: 'conntrack', why: 'forgets connections to endpoints that are gone' },
  { file: 'ip', package: 'iproute2', why: "sets the nodes' routes" },
]

/** The machine as far as installing packages goes. */
export type MachineFacts = { readonly missing: readonly Need[]; readonly isRoot: boolean; readonly hasApt: boolean }

export type PackagePlan =
  | { readonly type: 'nothing' }
  | { readonly type: 'install'; readonly packages: readonly string[]; readonly message: string }
  | { readonly type: 'refuse'; readonly message: string; readonly nextStep: string }

/** Pure: what to do about the programs that are missing. */
export function planPackages(facts: MachineFacts): PackagePlan {
  const packages = [...new Set(facts.missing.map((n) => n.package))]
  const list = facts.missing.map((n) => `${n.package} (${n.why})`).join(', ')
  const fake = 'without them `--runtime fake` still works: a whole cluster with simulated nodes'
  if (!facts.isRoot) {
    const install = packages.length ? ` after installing ${packages.join(', ')}` : ''
    return {
      type: 'refuse',
      message: 'real containers need root',
      nextStep: `run it as root${install}, or use --runtime fake: a whole cluster with simulated nodes`,
    }
  }
  if (packages.length === 0) return { type: 'nothing' }
  if (!facts.hasApt)
    return { type: 'refuse', message: `missing: ${list}`, nextStep: `install them with this system's package manager; ${fake}` }
  return { type: 'install', packages, message: `installing Debian packages: ${list}` }
}

export function observeMachine(needs: readonly Need[] = containerNeeds): MachineFacts {
  return { missing: needs.filter((n) => !isPresent(n.file)), isRoot: process.getuid?.() === 0, hasApt: isPresent('apt-get') }
}

/** Installs what real containers need, saying each step through `say`. Throws CliError when it cannot. */
export function ensurePackages(say: (line: string) => void, facts: MachineFacts = observeMachine()): void {
  const plan = planPackages(facts)
  if (plan.type === 'nothing') return
  if (plan.type === 'refuse') throw new CliError(plan.message, { nextStep: plan.nextStep })
  say(`${plan.message} …`)
  apt(['update', '-qq'], 'refreshing the package lists')
  apt(['install', '-y', '-qq', '--no-install-recommends', ...plan.packages], `installing ${plan.packages.join(' ')}`)
  const still = observeMachine().missing
  if (still.length > 0)
    throw new CliError(`still missing after the installation: ${still.map((n) => n.file).join(', ')}`, {
      nextStep: 'install them by hand, or use --runtime fake',
    })
  say('Debian packages installed')
}

function apt(args: readonly string[], what: string): void {
  // Debian's containerd would start a system-wide daemon of its own: the packages are wanted for their programs only.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const run = spawnSync('apt-get', args, { env, encoding: 'utf8' })
  if (run.status === 0) return
  const lastLine = `${run.stderr ?? ''}`.trim().split('\n').at(-1) || run.error?.message || `exit code ${run.status}`
  throw new CliError(`${what} failed: ${lastLine}`, { nextStep: 'mend that and run the command again, or use --runtime fake' })
}

function isPresent(file: string): boolean {
  if (file.startsWith('/')) return existsSync(file)
  const path = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`
  return path.split(delimiter).some((dir) => existsSync(join(dir, file)))
}
