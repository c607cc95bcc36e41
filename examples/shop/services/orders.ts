// The orders: kept on an emptyDir, so that they survive a restart of the container. Writing needs the token of a Secret.
import { timingSafeEqual } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { readJson, sendJson, serve } from './server.ts'

const file = `${process.env.DATA_DIR ?? '/data'}/orders.jsonl`
const token = process.env.ORDERS_TOKEN
if (!token) throw new Error('ORDERS_TOKEN is not set')

const orders = () =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as unknown)
    : []

function isAllowed(header: string | undefined): boolean {
  const given = Buffer.from(header ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

serve({
  name: 'orders',
  port: 8080,
  routes: {
    'GET /orders': (_, response) => sendJson(response, 200, orders()),
    'POST /orders': async (request, response) => {
      if (!isAllowed(request.headers.authorization)) return sendJson(response, 401, { error: 'the token is missing or wrong' })
      const { product } = (await readJson(request)) as { product?: unknown }
      if (typeof product !== 'string') return sendJson(response, 400, { error: 'an order names its product' })
      const order = { number: orders().length + 1, product, at: new Date().toISOString() }
      appendFileSync(file, `${JSON.stringify(order)}\n`)
      sendJson(response, 201, order)
    },
  },
})
