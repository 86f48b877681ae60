import { dataSchemaOf, type EventKind, schemaPath } from './events/kinds.ts'
import { escapeHtml, type Page, renderPage, sendPage } from './html.ts'
import type { HttpServer } from './http.ts'
import { languageOf } from './http-failures.ts'
import { httpProblems } from './http-problems.ts'
import { type Language, Problem, type ProblemKind } from './problem.ts'

interface Pages {
  readonly eventKinds: readonly EventKind[]
  readonly openApi: { text(): string }
  readonly problems: readonly ProblemKind[]
}

// The reference builds its styles at run time; everything it loads is served from here.
const referencePolicy =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data: blob:; font-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"

const grapes = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M8 5 7 1l5 1z" fill="#5c9a3f"/>
<g fill="#7b3fb8"><circle cx="4" cy="7" r="2"/><circle cx="8" cy="7" r="2"/><circle cx="12" cy="7" r="2"/>
<circle cx="6" cy="10.5" r="2"/><circle cx="10" cy="10.5" r="2"/><circle cx="8" cy="14" r="2"/></g></svg>
`

/** What people read: the API document and its page, a page for each problem, and the schemas of events. */
export function addPages(server: HttpServer, { openApi, problems, eventKinds }: Pages): void {
  const config = { access: 'public' } as const
  const schema = { hide: true }
  const route = { method: 'GET', config, schema } as const

  server.route({ ...route, url: '/', handler: (_request, reply) => reply.redirect('/docs/') })
  server.route({
    ...route,
    url: '/openapi.json',
    handler: (_request, reply) => reply.type('application/json; charset=utf-8').send(openApi.text()),
  })
  // Browsers ask for it by themselves, and take any format that names itself.
  server.route({
    ...route,
    url: '/favicon.ico',
    handler: (_request, reply) => reply.header('cache-control', 'max-age=86400').type('image/svg+xml').send(grapes),
  })
  server.route({
    ...route,
    url: '/problems',
    handler: (request, reply) => sendPage(reply, indexPage(problems, languageOf(request))),
  })
  server.route({
    ...route,
    url: '/problems/:room/:name',
    handler(request, reply) {
      const { room, name } = request.params as { room: string; name: string }
      const kind = problems.find(({ type }) => type === `/problems/${room}/${name}`)
      if (!kind) throw new Problem(httpProblems.notFound)
      return sendPage(reply, problemPage(kind, languageOf(request)))
    },
  })
  const schemas = new Map(eventKinds.map((kind) => [schemaPath(kind), kind]))
  server.route({
    ...route,
    url: '/events/:name',
    handler(request, reply) {
      const kind = schemas.get(`/events/${(request.params as { name: string }).name}`)
      if (!kind) throw new Problem(httpProblems.notFound)
      return reply.type('application/schema+json').send(JSON.stringify(dataSchemaOf(kind), null, 2))
    },
  })
  addReference(server)
}

/** Scalar's page. It weighs megabytes, so it is loaded when somebody first looks at it. */
function addReference(server: HttpServer): void {
  const route = { method: 'GET', config: { access: 'public' }, schema: { hide: true } } as const
  let loading: Promise<{ page: string; script: string }> | undefined
  const load = () => {
    loading ??= loadReference()
    return loading
  }
  server.route({ ...route, url: '/docs', handler: (_request, reply) => reply.redirect('/docs/', 301) })
  server.route({
    ...route,
    url: '/docs/',
    async handler(_request, reply) {
      const { page } = await load()
      return reply.header('content-security-policy', referencePolicy).type('text/html; charset=utf-8').send(page)
    },
  })
  server.route({
    ...route,
    url: '/docs/js/scalar.js',
    async handler(_request, reply) {
      const { script } = await load()
      return reply.header('cache-control', 'max-age=3600').type('text/javascript; charset=utf-8').send(script)
    },
  })
}

/** The package only comes as a plugin: a server that never listens renders its two files. */
async function loadReference(): Promise<{ page: string; script: string }> {
  const [{ default: fastify }, { default: reference }] = await Promise.all([
    import('fastify'),
    import('@scalar/fastify-api-reference'),
  ])
  const renderer = fastify()
  renderer.register(reference, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      pageTitle: 'Podo API',
      authentication: { preferredSecurityScheme: 'bearer' },
      withDefaultFonts: false,
      // Nothing of what is typed or read here leaves the machine; these would talk to a service elsewhere.
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      showDeveloperTools: 'never',
      hideClientButton: true,
    },
  })
  const page = await renderer.inject('/docs/')
  const script = await renderer.inject('/docs/js/scalar.js')
  await renderer.close()
  return { page: page.body, script: script.body }
}

function indexPage(problems: readonly ProblemKind[], language: Language): Page {
  const title = { ko: '문제 목록', en: 'Problems' }[language]
  const rows = problems
    .toSorted((a, b) => a.status - b.status || (a.type < b.type ? -1 : 1))
    .map(
      ({ type, status, title }) =>
        `<tr><td>${status}<td><a href="${type}">${type}</a><td>${escapeHtml(title[language])}`,
    )
  return renderPage({ title, language, content: `<table>${rows.join('\n')}</table>` })
}

function problemPage({ type, status, title, detail }: ProblemKind, language: Language): Page {
  const texts = {
    ko: { status: '상태', all: '문제 목록', value: '중괄호 안의 이름은 응답에 값과 함께 들어 있습니다.' },
    en: { status: 'Status', all: 'All problems', value: 'Names in braces are members of the answer.' },
  }[language]
  const hasParams = /\{\w+\}/.test(detail[language])
  return renderPage({
    title: title[language],
    language,
    content: `<p><code>${type}</code> · ${texts.status} ${status}
<p>${escapeHtml(detail[language])}
${hasParams ? `<p><small>${texts.value}</small>` : ''}
<p><a href="/problems">${texts.all}</a>`,
  })
}
