import { STATUS_CODES } from 'node:http'
import swagger from '@fastify/swagger'
import type { FastifyContextConfig, RouteOptions } from 'fastify'
import type { HttpServer } from './http.ts'
import { httpProblems } from './http-problems.ts'
import { idempotencyProblems } from './idempotency.ts'
import { type ProblemKind, renderProblem } from './problem.ts'

interface OpenApiOptions {
  readonly title: string
  readonly description: string
  readonly version: string
  readonly tags: readonly { readonly name: string; readonly description: string }[]
}

interface Operation {
  'x-podo-access'?: readonly string[]
  'x-podo-limits'?: string
  security?: object[]
  parameters?: object[]
  requestBody?: { required?: boolean; content?: Record<string, Content> }
  responses?: Record<string, { content?: Record<string, Content> }>
}

interface Content {
  schema?: { required?: string[] }
  example?: object
}

type Document = { paths?: Record<string, Record<string, Operation>> }

/** Collects the routes that are registered after it; `text` makes the OpenAPI 3.1 document once, when first asked. */
export async function addOpenApi(server: HttpServer, options: OpenApiOptions): Promise<{ text(): string }> {
  const configs = new Map<string, FastifyContextConfig & { bodyLimit?: number | undefined }>()
  server.addHook('onRoute', (route: RouteOptions) => {
    const path = route.url.replace(/:(\w+)/g, '{$1}')
    for (const method of [route.method].flat()) {
      configs.set(`${method.toLowerCase()} ${path}`, { ...route.config })
    }
  })
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: options.title,
        description: options.description,
        version: options.version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: options.tags.map((tag) => ({ ...tag })),
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An access token, or an API key.' },
        },
        schemas: { Problem: problemSchema as never },
      },
    },
    transformObject(input) {
      const document = ('openapiObject' in input ? input.openapiObject : input.swaggerObject) as unknown as Document
      for (const [path, operations] of Object.entries(document.paths ?? {})) {
        for (const [method, operation] of Object.entries(operations)) {
          const config = configs.get(`${method} ${path}`) ?? {}
          const isChange = method !== 'get'
          completeOperation(operation, { ...config, isChange, changesTagged: config.tagged === true && isChange })
        }
      }
      return document as never
    },
  })
  let text: string | undefined
  return {
    text() {
      text ??= JSON.stringify(server.swagger())
      return text
    },
  }
}

const problemSchema = {
  type: 'object',
  description: 'RFC 9457 problem details. Some kinds have members of their own: see their pages.',
  required: ['type', 'title', 'status', 'detail', 'instance'],
  properties: {
    type: { type: 'string', description: 'Which problem it is: the path of its page.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'The id of the request.' },
    errors: {
      type: 'array',
      description: 'With status 400: every mistake.',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: {
          pointer: { type: 'string', description: 'JSON pointer of the field; empty for the whole body.' },
          detail: { type: 'string' },
        },
      },
    },
  },
}

type RouteConfig = FastifyContextConfig & { readonly isChange: boolean; readonly changesTagged: boolean }

/** Adds what the conventions give each operation, from the configuration of its route. */
function completeOperation(operation: Operation, config: RouteConfig): void {
  const { access = 'public' } = config
  operation['x-podo-access'] = access === 'public' ? ['public'] : access
  if (config.limits) operation['x-podo-limits'] = config.limits
  const isOpen = access === 'public' || access.includes('anonymous')
  operation.security = isOpen ? [] : [{ bearer: [] }]
  const headers = [
    languageHeader,
    ...(config.idempotent ? [keyHeader] : []),
    ...(config.outlasts && config.isChange ? [preferHeader] : []),
    ...(config.changesTagged ? [ifMatchHeader] : []),
  ]
  if (access !== 'public') operation.parameters = [...(operation.parameters ?? []), ...headers]

  // A body whose fields are all optional may be left out.
  const body = operation.requestBody?.content?.['application/json']?.schema
  if (operation.requestBody && !body?.required?.length) operation.requestBody.required = false

  if (config.example) addExample(operation, config.example)

  const responses: Record<string, object> = {}
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    const headers = config.idempotent ? replayHeaders : requestHeaders
    const tagged = config.tagged ? tagHeaders : {}
    const later = status === '202' && config.outlasts ? laterHeaders : {}
    responses[status] = { ...response, description: STATUS_CODES[status], headers: { ...headers, ...tagged, ...later } }
  }
  const byStatus = Map.groupBy(problemsOf(operation, config), (kind) => kind.status)
  for (const [status, kinds] of [...byStatus].sort(([a], [b]) => a - b)) {
    responses[status] ??= problemResponse(kinds, status === 429 ? limitHeaders : requestHeaders)
  }
  operation.responses = responses
}

function addExample(operation: Operation, { body, answer, later }: NonNullable<FastifyContextConfig['example']>): void {
  const asked = operation.requestBody?.content?.['application/json']
  if (asked && body) asked.example = body
  for (const [status, { content }] of Object.entries(operation.responses ?? {})) {
    const answered = content?.['application/json']
    const example = status === '202' && later ? later : answer
    if (answered && example) answered.example = example
  }
}

/** Every problem that an operation can answer: its own, and those of the doors that it stands behind. */
function problemsOf(operation: Operation, config: RouteConfig) {
  const { access = 'public', idempotent, problems = [], isChange, changesTagged } = config
  const kinds = new Set<ProblemKind>(problems)
  if (changesTagged) kinds.add(httpProblems.preconditionFailed)
  const { invalidRequest, bodyTooLarge, mediaTypeUnsupported } = httpProblems
  const { unauthenticated, forbidden, scopeMissing, crossSite, notAcceptable } = httpProblems
  const { tooManyRequests, internal, unavailable } = httpProblems
  const hasQuery = operation.parameters?.some((parameter) => 'in' in parameter && parameter.in === 'query')
  if (access === 'public') return kinds
  if (operation.requestBody) for (const kind of [invalidRequest, bodyTooLarge, mediaTypeUnsupported]) kinds.add(kind)
  if (hasQuery || idempotent) kinds.add(invalidRequest)
  if (idempotent) kinds.add(idempotencyProblems.keyReused)
  for (const kind of [notAcceptable, tooManyRequests, internal, unavailable]) kinds.add(kind)
  if (isChange) kinds.add(crossSite)
  if (access.includes('anonymous')) return kinds
  kinds.add(access.some((audience) => audience.includes('key:')) ? scopeMissing : forbidden)
  return kinds.add(unauthenticated)
}

function problemResponse(kinds: readonly ProblemKind[], headers: object) {
  const examples = kinds.map((kind) => [kind.type.split('/').slice(2).join('-'), { value: exampleOf(kind) }])
  return {
    description: kinds.map((kind) => `[${kind.title.en}](${kind.type})`).join(' · '),
    headers,
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(examples),
      },
    },
  }
}

function exampleOf(kind: ProblemKind) {
  const names = [...kind.detail.en.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  const params = Object.fromEntries(names.map((name) => [name, /status/i.test(name) ? '…' : 1_000]))
  const errors =
    kind.status === 400
      ? [{ pointer: '/amount', detail: { ko: '1 이상이어야 합니다.', en: 'Must be at least 1.' } }]
      : undefined
  return renderProblem({ kind, params, errors }, { language: 'en', instance: '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0f' })
}

const requestHeaders = {
  'X-Request-Id': { description: 'The id of the request.', schema: { type: 'string' } },
}

const limitHeaders = {
  ...requestHeaders,
  'Retry-After': { description: 'Seconds until it may succeed.', schema: { type: 'integer' } },
  'RateLimit-Policy': {
    description: 'Name, quota `q` and window `w` in seconds of what was too much.',
    schema: { type: 'string', examples: ['"sign-in";q=10;w=900'] },
  },
  RateLimit: {
    description: 'What is left of it, `r`, and the seconds `t` until there is more.',
    schema: { type: 'string', examples: ['"sign-in";r=0;t=90'] },
  },
}

const replayHeaders = {
  ...requestHeaders,
  'Idempotency-Key': { description: 'The key: the one sent, or the one made for it.', schema: { type: 'string' } },
  'Idempotent-Replayed': {
    description: '`true` when this is the first answer again.',
    schema: { type: 'string', enum: ['true'] },
  },
}

const laterHeaders = {
  Location: { description: 'Where to look what became of it.', schema: { type: 'string' } },
  'Preference-Applied': { description: '`respond-async`, where that was preferred.', schema: { type: 'string' } },
}

const tagHeaders = {
  ETag: { description: 'The version that is shown.', schema: { type: 'string' } },
}

const ifMatchHeader = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The `ETag` of the version that is to be changed: where there is a newer one, 412.',
  schema: { type: 'string' },
}

const languageHeader = {
  name: 'Accept-Language',
  in: 'header',
  required: false,
  description: 'Language of problems: `ko` or `en`.',
  schema: { type: 'string' },
}

const preferHeader = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description:
    '`respond-async`: it is kept, answered 202 with its operation, and carried out a little later, in the order ' +
    'in which such requests came. One without it may overtake them. Whoever sends it has to expect the other answers ' +
    'too: those of a key that has its answer, and where nothing can be kept just now, but carried out.',
  schema: { type: 'string', examples: ['respond-async'] },
}

const keyHeader = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: '1–255 visible ASCII characters, quoted or bare. Without one the server makes it.',
  schema: { type: 'string', minLength: 1, maxLength: 257 },
}
