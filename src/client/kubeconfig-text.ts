import type { NewContext } from './kubeconfig.ts'

/** A whole kubeconfig file with this one context. Written without a YAML library: a server that starts needs one for nothing else. */
export function formatKubeconfig({ name, cluster, user, namespace }: NewContext): string {
  const context = { cluster: name, user: name, ...(namespace ? { namespace } : {}) }
  return [
    'apiVersion: v1',
    'kind: Config',
    'preferences: {}',
    ...['clusters:', `  - name: ${scalar(name)}`, ...block('cluster', cluster)],
    ...['users:', `  - name: ${scalar(name)}`, ...block('user', user)],
    ...['contexts:', `  - name: ${scalar(name)}`, ...block('context', context)],
    `current-context: ${scalar(name)}`,
    '',
  ].join('\n')
}

function block(field: string, values: object): string[] {
  const lines = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [`      ${key}: ${scalar(value)}`]))
  return lines.length === 0 ? [`    ${field}: {}`] : [`    ${field}:`, ...lines]
}

/** Plain where no reader of YAML could take it for anything but text; JSON, which YAML contains, for everything else. */
function scalar(value: unknown): string {
  const isPlain =
    typeof value === 'string' && /^[A-Za-z][\w./+=:-]*[\w/+=]$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value)
  return isPlain ? value : JSON.stringify(value)
}
