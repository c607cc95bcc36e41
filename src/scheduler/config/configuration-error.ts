/** What is wrong with a KubeSchedulerConfiguration, in upstream's words where they exist. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError'
}

/** A plugin's `args` of the configuration, read by upstream's names. */
export type PluginArgs = Readonly<Record<string, unknown>>
