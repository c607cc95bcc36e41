import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CliError } from '../../cli/cli-error.ts'
import { fileFault } from '../../platform/file-fault.ts'
import { ConfigurationError } from '../../scheduler/config/configuration-error.ts'
import { readConfiguration, type SchedulerConfiguration } from '../../scheduler/config/scheduler-configuration.ts'
import type { Plugin } from '../../scheduler/core/plugin.ts'
import type { RebalancerConfiguration } from '../../scheduler/rebalance/rebalancer-configuration.ts'

export type SchedulerFiles = {
  /** A KubeSchedulerConfiguration in YAML or JSON. */
  readonly configFile: string | undefined
  /** TypeScript or JavaScript modules that export `plugins`, a list of scheduler plugins. */
  readonly pluginFiles: readonly string[]
}

/** Undefined where nothing is given: the default profile. Throws CliError for what cannot be read or is wrong. */
export async function loadSchedulerConfiguration({ configFile, pluginFiles }: SchedulerFiles): Promise<SchedulerConfiguration | undefined> {
  if (configFile === undefined && pluginFiles.length === 0) return undefined
  const plugins = (await Promise.all(pluginFiles.map(loadPlugins))).flat()
  try {
    return readConfiguration(configFile === undefined ? emptyConfiguration : await readYaml(configFile, '--scheduler-config'), plugins)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    throw new CliError(`cannot use ${configFile ?? 'the scheduler plugins'}: ${error.message}`, {
      nextStep: 'mend it: docs/scheduling.md tells the fields',
      exitCode: 2,
      cause: error,
    })
  }
}

const emptyConfiguration = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' }

/** A RebalancerConfiguration in YAML or JSON; the default without a file. Throws CliError for what cannot be read or is wrong. */
export async function loadRebalancerConfiguration(file: string | undefined): Promise<RebalancerConfiguration> {
  const { defaultRebalancerConfiguration, readRebalancerConfiguration } = await import(
    '../../scheduler/rebalance/rebalancer-configuration.ts'
  )
  if (file === undefined) return defaultRebalancerConfiguration
  try {
    return readRebalancerConfiguration(await readYaml(file, '--rebalance-config'))
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const nextStep = 'mend it: docs/scheduling.md tells the fields'
    throw new CliError(`cannot use ${file}: ${error.message}`, { nextStep, exitCode: 2, cause: error })
  }
}

async function readYaml(file: string, flag: string): Promise<unknown> {
  const { parseYaml } = await import('../../machinery/yaml.ts')
  try {
    return parseYaml(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new CliError(`cannot read ${file}, which ${flag} names`, {
      nextStep: fileFault(error),
      exitCode: 2,
      cause: error,
    })
  }
}

async function loadPlugins(file: string): Promise<readonly Plugin[]> {
  const wrong = (why: string, cause?: unknown) =>
    new CliError(`cannot use the scheduler plugin ${file}: ${why}`, { nextStep: 'check --scheduler-plugin', exitCode: 2, cause })
  const module = await import(pathToFileURL(resolve(file)).href).catch((error: unknown) => {
    throw wrong(error instanceof Error ? error.message : String(error), error)
  })
  const { plugins } = module as { readonly plugins?: unknown }
  if (!Array.isArray(plugins) || plugins.length === 0) throw wrong('it exports no list `plugins`')
  for (const plugin of plugins as readonly Partial<Plugin>[])
    if (typeof plugin.name !== 'string' || typeof plugin.weight !== 'number' || typeof plugin.compile !== 'function')
      throw wrong('each of its `plugins` needs `name`, `weight` and `compile`')
  return plugins as readonly Plugin[]
}
