// The catalogue: products come from a ConfigMap mounted as a file and are read anew on each request, so that an edit shows at once.
import { readFileSync } from 'node:fs'
import { sendJson, serve } from './server.ts'

type Product = { id: string; title: string; price: number }

const file = process.env.PRODUCTS_FILE ?? '/etc/shop/products.json'
const products = () => JSON.parse(readFileSync(file, 'utf8')) as Product[]

serve({
  name: 'catalog',
  port: 8080,
  isReady: () => products().length > 0,
  routes: { 'GET /products': (_, response) => sendJson(response, 200, products()) },
})
