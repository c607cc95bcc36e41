import type { Client } from '../client/contract.ts'
import { responseError } from '../client/response-error.ts'

/** The JSON that the server answers on one of its own paths. Throws StatusError. */
export async function askServer(client: Client, request: { readonly method: string; readonly path: string }): Promise<unknown> {
  const { code, body } = await client.raw(request)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  if (code >= 400) throw responseError(code, text)
  return JSON.parse(text) as unknown
}
