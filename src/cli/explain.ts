import type { Client } from '../client/contract.ts'
import type { Console } from './console.ts'
import { parseTarget } from './target.ts'

/** `keelson explain POD`: why it is where it is, or why it is nowhere, in text or as the API's JSON document. */
export async function explain(
  context: { client: Client; namespace: string; console: Console },
  options: { pod: string; output: 'text' | 'json' },
): Promise<void> {
  const { name } = parseTarget(options.pod)
  const response = await context.client.raw({
    method: 'GET',
    path: `/api/v1/namespaces/${encodeURIComponent(context.namespace)}/pods/${encodeURIComponent(name)}/explain`,
    headers: { accept: 'application/json' },
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  // The server renders the text too: one wording for the command line, the console and whoever asks.
  const document = JSON.parse(new TextDecoder().decode(concat(chunks))) as { text?: string }
  context.console.out(options.output === 'text' && document.text !== undefined ? document.text : JSON.stringify(document, null, 2))
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((n, c) => n + c.length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
