/** Bytes on the wire, as odd as clients send them; what Kubernetes 1.36 answers was recorded by `record-wire.ts`. */

/**
 * Methods that nobody knows and contradictions about hosts and lengths are refused here by Node's parser, without a word and all alike.
 *
 * `$host` and `$token` are filled in. Lines end as HTTP's do. The last request of a case says that the connection is to close.
 */
export type WireCase = { readonly name: string; readonly text: string }

const configMaps = '/api/v1/namespaces/default/configmaps'
const closing = 'Host: $host\nAuthorization: Bearer $token\nUser-Agent: wire\nConnection: close\n'
const plain = (name: string, method: string, path: string, headers = '', body = ''): WireCase => ({
  name,
  text: `${method} ${path} HTTP/1.1\n${closing}${headers}\n${body}`,
})
const json = (body: string) => `Content-Type: application/json\nContent-Length: ${body.length}\n`
const object = '{"metadata":{"name":"wire"}}'

export const wireCases: readonly WireCase[] = [
  plain('HEAD of an object', 'HEAD', '/api/v1/namespaces/default'),
  plain('HEAD of a list', 'HEAD', configMaps),
  plain('HEAD of a document', 'HEAD', '/version'),
  plain('HEAD of health', 'HEAD', '/healthz'),
  plain('OPTIONS of an object', 'OPTIONS', '/api/v1/namespaces/default'),
  plain('OPTIONS of everything', 'OPTIONS', '*'),
  plain('TRACE', 'TRACE', '/api/v1/namespaces/default'),
  plain('a trailing slash', 'GET', '/api/v1/namespaces/none/'),
  plain('a trailing slash behind a document', 'GET', '/healthz/'),
  plain('two slashes at the start', 'GET', '//api/v1/namespaces/none'),
  plain('two slashes within', 'GET', '/api//v1/namespaces/none'),
  plain('dots', 'GET', '/api/v1/x/../namespaces/none'),
  plain('an encoded letter', 'GET', '/api/v1/namespaces/%6eone'),
  plain('an encoded slash', 'GET', '/api/v1/namespaces/a%2Fb'),
  plain('a bad encoding', 'GET', '/api/v1/namespaces/a%zz'),
  plain('a bad encoding in the query', 'GET', '/api/v1/namespaces/none?a=%zz'),
  plain('a semicolon in the query', 'GET', '/api/v1/namespaces/none?a=b;c=d'),
  plain('an absolute address', 'GET', 'https://$host/api/v1/namespaces/none'),
  plain('a body of a GET', 'GET', '/api/v1/namespaces/none', 'Content-Length: 2\n', '{}'),
  plain('no body of a POST', 'POST', `${configMaps}?dryRun=All`, 'Content-Type: application/json\nContent-Length: 0\n'),
  plain('neither length nor body of a POST', 'POST', `${configMaps}?dryRun=All`, 'Content-Type: application/json\n'),
  plain(
    'a body in chunks',
    'POST',
    '/api/v1/namespaces/none/configmaps?dryRun=All',
    'Content-Type: application/json\nTransfer-Encoding: chunked\n',
    `5\n${object.slice(0, 5)}\n${(object.length - 5).toString(16)};x=y\n${object.slice(5)}\n0\n\n`,
  ),
  plain(
    'a body in a coding of nobody',
    'POST',
    '/api/v1/namespaces/none/configmaps',
    'Content-Type: application/json\nTransfer-Encoding: gzip\n',
  ),
  plain('two lengths', 'POST', '/api/v1/namespaces/none/configmaps', 'Content-Length: 4\nContent-Length: 5\n', '12345'),
  plain('a length that is none', 'POST', '/api/v1/namespaces/none/configmaps', 'Content-Length: -4\n'),
  plain('an expectation', 'POST', '/api/v1/namespaces/none/configmaps?dryRun=All', `Expect: 100-continue\n${json(object)}`, object),
  plain('an expectation of nobody', 'POST', '/api/v1/namespaces/none/configmaps', `Expect: miracles\n${json(object)}`, object),
  plain('a body under a coding', 'POST', '/api/v1/namespaces/none/configmaps', `Content-Encoding: gzip\n${json(object)}`, object),
  { name: 'HTTP/1.0', text: 'GET /api/v1/namespaces/none HTTP/1.0\nAuthorization: Bearer $token\n\n' },
  { name: 'HTTP/1.0 of a list', text: 'GET /api/v1/namespaces/none/configmaps HTTP/1.0\nAuthorization: Bearer $token\n\n' },
  { name: 'HTTP/3.0', text: `GET /version HTTP/3.0\n${closing}\n` },
  { name: 'no HTTP', text: 'hello\n\n' },
  { name: 'a header with a space in its name', text: `GET /version HTTP/1.1\nX Y: 1\n${closing}\n` },
  {
    name: 'two requests at once',
    text: `GET /api/v1/namespaces/one HTTP/1.1\nHost: $host\nAuthorization: Bearer $token\n\nGET /api/v1/namespaces/two HTTP/1.1\n${closing}\n`,
  },
  plain('no form that is taken', 'GET', '/api/v1/namespaces/none', 'Accept: text/html;q=0.9, image/*;q=0.8\n'),
  plain('the second form that is taken', 'GET', '/api/v1/namespaces/none', 'Accept: text/html, application/json;q=0.1\n'),
  plain('forms by weight', 'GET', '/api/v1/namespaces/none', 'Accept: application/json;q=0.1, application/yaml;q=0.9\n'),
  plain('forms in their order', 'GET', '/api/v1/namespaces/none', 'Accept: application/yaml, application/json\n'),
  plain('a form of no weight', 'GET', '/api/v1/namespaces/none', 'Accept: application/json;q=0\n'),
  plain('a part of a range', 'GET', '/api/v1/namespaces/none', 'Range: bytes=0-3\n'),
  plain('a condition', 'GET', '/api/v1/namespaces/none', 'If-None-Match: *\n'),
  plain('no time', 'GET', '/api/v1/namespaces/none?timeout=0s', ''),
  plain('a time that is none', 'GET', '/api/v1/namespaces/none?timeout=soon', ''),
  plain('a time without a unit', 'GET', '/api/v1/namespaces/none?timeout=10', ''),
  {
    name: 'basic credentials',
    text: 'GET /api/v1/namespaces/none HTTP/1.1\nHost: $host\nAuthorization: Basic YTpi\nConnection: close\n\n',
  },
  { name: 'an empty token', text: 'GET /api/v1/namespaces/none HTTP/1.1\nHost: $host\nAuthorization: Bearer \nConnection: close\n\n' },
  {
    name: 'a token in lower-case words',
    text: 'GET /api/v1/namespaces/none HTTP/1.1\nHost: $host\nAuthorization: bearer $token\nConnection: close\n\n',
  },
  plain('a long query', 'GET', `/api/v1/namespaces/none?x=${'y'.repeat(100_000)}`),
  plain('many headers', 'GET', '/api/v1/namespaces/none', Array.from({ length: 500 }, (_, i) => `X-${i}: ${i}\n`).join('')),
]
