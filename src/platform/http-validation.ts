import { _, Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import ajvFormats from 'ajv-formats'
import type { TSchema } from 'typebox'
import { isNetwork } from './addresses.ts'
import { isDate, toInstant } from './clock.ts'
import { escapePointer } from './http-body.ts'
import { invalidRequest } from './http-problems.ts'
import type { FieldError, Problem, Text } from './problem.ts'
import { isShowable, toKeptText } from './text.ts'

/** A format that a schema may name: what fits it, and what to say when it does not. */
export interface Format {
  validate(text: string): boolean
  readonly text: Text
}

export interface Validation {
  /** A check of a body or an item: null when it is right, else every mistake. It trims and normalises `x-text`. */
  compileFields(schema: TSchema): (value: unknown) => FieldError[] | null
  /** What Fastify calls for each schema of a route. */
  compileRoutePart(part: { schema: unknown; httpPart?: string }): (value: unknown) => RoutePartResult
}

type RoutePartResult = boolean | { value: unknown } | { error: Problem }

const errorsMax = 100

/** Compiles schemas with the formats of the platform and those given; bodies are never coerced or stripped. */
export function openValidation(moduleFormats: Readonly<Record<string, Format>> = {}): Validation {
  const formats = { ...platformFormats, ...moduleFormats }
  const bodies = openAjv(formats, { useDefaults: false })
  const queries = openAjv(formats, { useDefaults: true })

  // Compiled when first asked: for all routes at once it was a quarter of the work of a start.
  const checkBy = (ajv: Ajv, schema: TSchema) => {
    let validate: ValidateFunction | undefined
    return (value: unknown) => {
      validate ??= ajv.compile(schema)
      return validate(value) ? null : toFieldErrors(validate.errors ?? [], formats)
    }
  }

  return {
    compileFields: (schema) => checkBy(bodies, schema),
    compileRoutePart({ schema, httpPart }) {
      // A malformed id in a path is an unknown one, and headers are read by hand: neither is validated.
      if (httpPart !== 'body' && httpPart !== 'querystring') return () => true
      const isBody = httpPart === 'body'
      const check = checkBy(isBody ? bodies : queries, schema as TSchema)
      const kinds = isBody ? [] : scalarsOf(schema as TSchema)
      return (given) => {
        // A body that is missing misses each of its fields, and nothing where all of them are optional.
        const value = isBody ? (given ?? {}) : coerce(given as Record<string, unknown>, kinds)
        const errors = check(value)
        return errors ? { error: invalidRequest(errors) } : { value }
      }
    },
  }
}

function openAjv(formats: Readonly<Record<string, Format>>, options: { useDefaults: boolean }): Ajv {
  const ajv = new Ajv({
    ...options,
    allErrors: true,
    allowUnionTypes: true,
    strictRequired: false,
  })
  ajvFormats.default(ajv, ['email', 'uuid'])
  for (const [name, format] of Object.entries(formats)) {
    if (name !== 'email' && name !== 'uuid') ajv.addFormat(name, (text: string) => format.validate(text))
  }
  // In place of multipleOf, by which 0.0003 is no multiple of 0.0001 for most clients, and 0.1 + 0.2 is one for some.
  ajv.addKeyword({
    keyword: 'x-step',
    type: 'number',
    schemaType: 'number',
    error: { message: 'must be in steps', params: ({ schemaCode }) => _`{step: ${schemaCode}}` },
    errors: false,
    compile(step: number) {
      const parts = Math.round(1 / step)
      return (value: number) => Math.round(value * parts) / parts === value
    },
  })
  ajv.addKeyword({
    keyword: 'x-text',
    type: 'string',
    schemaType: 'string',
    // Lengths count what is left after normalising.
    before: 'maxLength',
    modifying: true,
    errors: false,
    compile: (place: 'line' | 'lines') => (given, context) => {
      const text = toKeptText(given as string)
      if (context) context.parentData[context.parentDataProperty] = text
      return isShowable(text, place)
    },
  })
  return ajv
}

const platformFormats = {
  'date-time': {
    validate: (text) => toInstant(text) !== null,
    text: {
      ko: '2026-11-20T09:00:00Z처럼 달력에 있는 시각이어야 합니다.',
      en: 'Must be an instant of the calendar like 2026-11-20T09:00:00Z.',
    },
  },
  date: {
    validate: isDate,
    text: {
      ko: '2026-11-20처럼 달력에 있는 날짜여야 합니다.',
      en: 'Must be a day of the calendar like 2026-11-20.',
    },
  },
  network: {
    validate: isNetwork,
    text: {
      ko: '203.0.113.7이나 203.0.113.0/24, 2001:db8::/32 같은 주소나 대역이어야 합니다.',
      en: 'Must be an address or a network like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32.',
    },
  },
  'date-or-date-time': {
    validate: (text) => isDate(text) || toInstant(text) !== null,
    text: {
      ko: '2026-11-20 같은 날짜나 2026-11-20T09:00:00Z 같은 시각이어야 합니다.',
      en: 'Must be a day like 2026-11-20 or an instant like 2026-11-20T09:00:00Z.',
    },
  },
  email: {
    validate: () => true,
    text: { ko: '올바른 이메일 주소여야 합니다.', en: 'Must be an e-mail address.' },
  },
  uuid: { validate: () => true, text: { ko: 'UUID여야 합니다.', en: 'Must be a UUID.' } },
} satisfies Record<string, Format>

type Scalar = readonly [name: string, type: 'integer' | 'boolean']

function scalarsOf(schema: TSchema): Scalar[] {
  const { properties = {} } = schema as { properties?: Record<string, { type?: unknown }> }
  return Object.entries(properties).flatMap(([name, { type }]) =>
    type === 'integer' || type === 'boolean' ? [[name, type] as const] : [],
  )
}

/** Query strings hold text only: plain decimals and true or false become what the schema asks for. */
function coerce(query: Record<string, unknown>, scalars: readonly Scalar[]): Record<string, unknown> {
  const coerced = { ...query }
  for (const [name, type] of scalars) {
    const text = coerced[name]
    if (typeof text !== 'string') continue
    if (type === 'integer' && /^-?\d{1,15}$/.test(text)) coerced[name] = Number(text)
    if (type === 'boolean' && (text === 'true' || text === 'false')) coerced[name] = text === 'true'
  }
  return coerced
}

function toFieldErrors(errors: readonly ErrorObject[], formats: Readonly<Record<string, Format>>): FieldError[] {
  const seen = new Map<string, FieldError>()
  for (const error of errors) {
    if (seen.size >= errorsMax) break
    const pointer = pointerOf(error)
    const detail = describe(error, formats)
    const name = `${pointer}\n${detail.en}`
    if (!seen.has(name)) seen.set(name, { pointer, detail })
  }
  return [...seen.values()]
}

function pointerOf({ keyword, instancePath, params }: ErrorObject): string {
  const name =
    keyword === 'required' ? params.missingProperty : keyword === 'additionalProperties' && params.additionalProperty
  return typeof name === 'string' ? `${instancePath}/${escapePointer(name)}` : instancePath
}

function describe({ keyword, params }: ErrorObject, formats: Readonly<Record<string, Format>>): Text {
  const { limit } = params
  switch (keyword) {
    case 'required':
      return { ko: '필수 항목입니다.', en: 'This field is required.' }
    case 'additionalProperties':
      return { ko: '알 수 없는 항목입니다. 빼고 보내 주십시오.', en: 'Unknown field: leave it out.' }
    case 'type':
      return describeType(params.type)
    case 'format':
      return formats[params.format]?.text ?? otherwise
    case 'enum':
      return describeChoice(params.allowedValues)
    case 'const':
      return describeChoice([params.allowedValue])
    case 'minimum':
      return { ko: `${limit} 이상이어야 합니다.`, en: `Must be at least ${limit}.` }
    case 'maximum':
      return { ko: `${limit} 이하여야 합니다.`, en: `Must be at most ${limit}.` }
    case 'x-step':
      return { ko: `${params.step} 단위여야 합니다.`, en: `Must be in steps of ${params.step}.` }
    case 'minLength':
      return limit === 1
        ? { ko: '비워 둘 수 없습니다.', en: 'Must not be empty.' }
        : { ko: `${limit}자 이상이어야 합니다.`, en: `Must have at least ${limit} characters.` }
    case 'maxLength':
      return { ko: `${limit}자 이하여야 합니다.`, en: `Must have at most ${limit} characters.` }
    case 'minItems':
      return { ko: `${limit}개 이상이어야 합니다.`, en: `Must have at least ${limit} items.` }
    case 'maxItems':
    case 'maxProperties':
      return { ko: `${limit}개 이하여야 합니다.`, en: `Must have at most ${limit} items.` }
    case 'uniqueItems':
      return { ko: '같은 값을 두 번 쓸 수 없습니다.', en: 'Must not have the same item twice.' }
    case 'x-text':
      return {
        ko: '눈에 보이는 글자가 있어야 하고, 제어 문자는 쓸 수 없습니다.',
        en: 'Must have letters that can be seen, and no control characters.',
      }
    default:
      return otherwise
  }
}

const otherwise = { ko: '값이 올바르지 않습니다.', en: 'The value is not valid.' }

const typeTexts: Record<string, Text> = {
  integer: { ko: '정수여야 합니다.', en: 'Must be an integer.' },
  number: { ko: '숫자여야 합니다.', en: 'Must be a number.' },
  string: { ko: '문자열이어야 합니다.', en: 'Must be a string.' },
  boolean: { ko: 'true 또는 false여야 합니다.', en: 'Must be true or false.' },
  object: { ko: '객체여야 합니다.', en: 'Must be an object.' },
  array: { ko: '배열이어야 합니다.', en: 'Must be an array.' },
}

/** Of several types the first is meant: null stands beside it for "no value". */
function describeType(types: string | readonly string[]): Text {
  return typeTexts[[types].flat()[0] as string] ?? otherwise
}

function describeChoice(values: readonly unknown[]): Text {
  const list = values.map(String).join(', ')
  return { ko: `다음 중 하나여야 합니다: ${list}`, en: `Must be one of: ${list}` }
}
