// The front: what customers call. It finds the other two services by their DNS names.
import { readJson, sendJson, serve } from './server.ts'

const catalog = process.env.CATALOG_URL ?? 'http://catalog:8080'
const orders = process.env.ORDERS_URL ?? 'http://orders:8080'
const version = process.env.SHOP_VERSION ?? '1'

type Product = { id: string; title: string; price: number }

async function products(): Promise<Product[]> {
  const response = await fetch(`${catalog}/products`, { signal: AbortSignal.timeout(5000) })
  return (await response.json()) as Product[]
}

serve({
  name: 'front',
  port: 8080,
  routes: {
    'GET /': async (_, response) =>
      sendJson(response, 200, { shop: 'keelson', version, pod: process.env.POD_NAME, products: await products() }),
    'GET /version': (_, response) => sendJson(response, 200, { version, pod: process.env.POD_NAME }),
    'POST /buy': async (request, response) => {
      const { product } = (await readJson(request)) as { product?: string }
      if (!(await products()).some((p) => p.id === product)) return sendJson(response, 404, { error: `no product ${product}` })
      const answer = await fetch(`${orders}/orders`, {
        method: 'POST',
        headers: { authorization: `Bearer ${process.env.ORDERS_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ product }),
        signal: AbortSignal.timeout(5000),
      })
      sendJson(response, answer.status, await answer.json())
    },
  },
})
