/** A nominal type over T: `Brand<string, 'Uid'>` cannot be confused with another string. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }
