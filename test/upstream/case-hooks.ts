import { startWebhookServer, type Judge } from '../conformance/webhook-server.ts'

/** What `$hook(NAME)` and `$hookCa` in requests stand for: where a file's webhooks are, and who vouches for them. */
export type CaseHooks = { readonly fill: (text: string) => string; close(): Promise<void> }

/** Starts the webhooks of a file of cases; none are started where it has none. */
export async function caseHooks(name: string): Promise<CaseHooks> {
  const { hooks } = (await import(`./cases/${name}.ts`)) as { hooks?: Readonly<Record<string, Judge>> }
  return hooks ? startHooks(hooks) : { fill: (text) => text, close: async () => {} }
}

export async function startHooks(hooks: Readonly<Record<string, Judge>>): Promise<CaseHooks> {
  const server = await startWebhookServer()
  const urls = new Map(Object.entries(hooks).map(([hook, judge]) => [hook, server.clientConfig(judge).url]))
  return {
    fill: (text) =>
      text.replaceAll(/\$hook\(([\w-]+)\)/g, (_, hook: string) => urls.get(hook) ?? '').replaceAll('$hookCa', server.caBundle),
    close: () => server.close(),
  }
}
