/** The conformance tests of release 1.36 (facts: their codenames) that need nothing but the API, each with the file that does what its text says. */
export const coverage: readonly (readonly [file: string, codename: string])[] = [
  ['networking-operations.test.ts', '[sig-network] EndpointSlice should support creating EndpointSlice API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] Ingress API should support creating Ingress API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] IngressClass API should support creating IngressClass API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations [Conformance]'],
]
