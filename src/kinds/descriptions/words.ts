/** What is said of types: of a type itself under the empty key, of its fields under their names. */
export type Words = Readonly<Record<string, Readonly<Record<string, string>>>>

/** As `Type` and `Type.field`. */
export function flat(words: Words): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(words).flatMap(([type, fields]) =>
      Object.entries(fields).map(([field, text]) => [field === '' ? type : `${type}.${field}`, text]),
    ),
  )
}
