import { readFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { collected, headersOf, type Send } from './run-cases.ts'

/** How to send to the API server that is recorded from; `ca` names a file. */
export function toUpstream({ server, ca, token }: { readonly server: string; readonly ca: string; readonly token: string }): Send {
  const authority = readFileSync(ca)
  return (outgoing) =>
    new Promise((resolve, reject) => {
      const { method, path, body, events } = outgoing
      // Of a DELETE's body nothing would arrive without its length.
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const headers = { authorization: `Bearer ${token}`, ...length, ...headersOf(outgoing) }
      const sent = httpsRequest(new URL(path, server), { method, headers, ca: authority }, async (response) => {
        const whole = await collected(response, events)
        resolve({ code: response.statusCode ?? 0, body: whole, headers: response.headersDistinct })
      })
      sent.once('error', reject)
      sent.end(body)
    })
}
