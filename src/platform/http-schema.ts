import Type, { type Static, type TObject, type TProperties, type TSchema, type TSchemaOptions } from 'typebox'
import { type Prefix, prefixes, toPublicId } from './ids.ts'

/** A field that may have no value; as a list of types, which serialises faster than a union of schemas. */
export function nullable<Schema extends TSchema>(schema: Schema) {
  const { type } = schema as { type?: string }
  if (type === undefined) throw new Error('nullable needs a schema with one type')
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [type, 'null'] })
}

/** An object that refuses fields it does not know. */
export function closedObject<Properties extends TProperties>(properties: Properties, options: TSchemaOptions = {}) {
  return Type.Object(properties, { ...options, additionalProperties: false })
}

/** One of these texts. */
export function oneOf<const Values extends readonly string[]>(values: Values, options: TSchemaOptions = {}) {
  return Type.Unsafe<Values[number]>({ ...options, type: 'string', enum: [...values] })
}

/** An RFC 3339 instant; answered in UTC with milliseconds. */
export const instant = Type.String({ format: 'date-time', examples: ['2026-11-20T09:00:00.000Z'] })

/** An id as callers see it; what is malformed is unknown, so nothing is refused here. */
export function publicId(prefix: Prefix) {
  const name = prefixes[prefix]
  return Type.String({
    description: `Id of ${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}.`,
    examples: [toPublicId(prefix, '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0f')],
  })
}

/** What every list takes. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Items of a page.' }),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1_000, description: '`nextCursor` of the page before.' }),
  ),
}

/** What every list answers. */
export function pageOf<Item extends TSchema>(
  item: Item,
): TObject<{
  items: ReturnType<typeof Type.Array<Item>>
  nextCursor: ReturnType<typeof Type.Unsafe<string | null>>
}> {
  return Type.Object({
    items: Type.Array(item),
    nextCursor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Give it as `cursor` for the next page; null on the last.',
    }),
  })
}
