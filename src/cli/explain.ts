import { createClientset } from '../client/clientset.ts'
import type { Client } from '../client/contract.ts'
import type { Console } from './console.ts'
import { type PodTarget, podOf } from './pod-of.ts'

/** `keelson explain POD`: why it is where it is, or why it is nowhere, in text or as the API's JSON document. */
export async function explain(
  context: { client: Client; namespace: string; console: Console },
  options: { pod: PodTarget; output: 'text' | 'json' },
): Promise<void> {
  const name = await podOf(context, options.pod, (pod) => !pod.spec?.nodeName)
  const pods = createClientset(context.client).coreV1().pods(context.namespace)
  // The server renders the text too: one wording for the command line, the console and whoever asks.
  const document = (await pods.explain(name)) as { text?: string }
  context.console.out(options.output === 'text' && document.text !== undefined ? document.text : JSON.stringify(document, null, 2))
}
