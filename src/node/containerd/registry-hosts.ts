import { join } from 'node:path'
import { writeTextFile } from '../../platform/text-file.ts'

/**
 * Tells containerd that images of `host` (e.g. `registry.example` or `docker.io`) are served at `url`, and nowhere else.
 * containerd reads the file at every pull; no restart is needed. `http://` is allowed for a registry on this machine.
 */
export function writeRegistryHosts(registryDirectory: string, host: string, url: string): void {
  const text = `server = ${JSON.stringify(url)}\n\n[host.${JSON.stringify(url)}]\n  capabilities = ["pull", "resolve"]\n`
  writeTextFile(join(registryDirectory, host, 'hosts.toml'), text, 0o644)
}
