declare module 'spdy-transport/lib/spdy-transport/protocol/spdy/dictionary.js' {
  /** The fixed zlib dictionaries of SPDY's header blocks, by version. */
  const dictionaries: Readonly<Record<'2' | '3' | '3.1', Buffer>>
  export default dictionaries
}
