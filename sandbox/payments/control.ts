import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Language, NamedFault } from './catalogue.ts'
import { FaultProblem, type Scenario } from './faults.ts'
import type { Floor, Provider } from './floor.ts'
import { button, escapeHtml, languageOf, sendPage, standsIn, table } from './pages.ts'

interface Controlled extends Floor {
  readonly provider: Provider
  readonly named: Readonly<Record<string, NamedFault>>
  /** Closes every port for so long. */
  leave(ms: number): void
}

/** The controls that every stand-in has, under `/sandbox`: a page for people, and the same as JSON. */
export function addControl(app: FastifyInstance, by: Controlled): void {
  const { base, faults, books, webhooks, clock } = by
  const at = (path: string) => `${base}/sandbox${path}`
  // A page from elsewhere is not to move the clock of a stand-in on somebody's machine.
  app.addHook('onRequest', async (request, reply) => {
    const site = request.headers['sec-fetch-site'] ?? 'none'
    const isOurs = site === 'same-origin' || site === 'none'
    if (!isOurs && request.method !== 'GET' && request.url.startsWith(at(''))) {
      return reply.code(403).send({ error: 'Only its own pages may do this.' })
    }
  })
  app.get(at(''), (request, reply) => showPage(reply, { ...by, language: languageOf(request) }))
  app.get(at('/faults'), async () => by.named)
  app.get(at('/scenarios'), async () => ({ seed: faults.seed, items: faults.list() }))
  app.post(at('/scenarios'), (request, reply) => {
    try {
      return done(faults.add(toScenario(readInput(request))), { request, reply, base })
    } catch (error) {
      if (!(error instanceof FaultProblem)) throw error
      return reply.code(400).send({ error: error.message })
    }
  })
  app.delete(at('/scenarios'), (_request, reply) => {
    faults.remove()
    return reply.code(204).send()
  })
  app.post(at('/scenarios/end'), (request, reply) => {
    faults.remove(readInput(request).id as string | undefined)
    return done({}, { request, reply, base })
  })
  app.get(at('/books'), async () => ({ totals: books.totals(), flaws: books.findFlaws(), items: books.list() }))
  app.get(at('/webhooks'), async () => ({ items: webhooks.list() }))
  app.post(at('/webhooks/:id/redeliver'), (request, reply) => {
    const isKnown = webhooks.redeliver((request.params as { id: string }).id)
    return isKnown ? done({}, { request, reply, base }) : reply.code(404).send({ error: 'There is no such webhook.' })
  })
  app.post(at('/away'), (request, reply) => {
    const ms = Number(readInput(request).ms)
    if (!(ms >= 0 && ms <= awayMsMax)) return reply.code(400).send({ error: `ms must be 0 to ${awayMsMax}.` })
    reply.raw.once('finish', () => by.leave(ms))
    return done({ ms }, { request, reply, base })
  })
  app.get(at('/clock'), async () => ({ now: new Date(clock.nowMs()).toISOString() }))
  app.post(at('/clock'), (request, reply) => {
    const ms = Number(readInput(request).advanceMs)
    if (!(ms >= 0 && ms <= advanceMsMax)) {
      return reply.code(400).send({ error: `advanceMs must be a number from 0 to ${advanceMsMax}.` })
    }
    clock.advance(ms)
    return done({ now: new Date(clock.nowMs()).toISOString() }, { request, reply, base })
  })
}

/** Ten minutes. */
const awayMsMax = 600_000
/** A hundred years. */
const advanceMsMax = 3_155_760_000_000

/** What a control was sent, as JSON or by a form; nothing where it was neither. */
export function readInput(request: FastifyRequest): Record<string, unknown> {
  const text = typeof request.body === 'string' ? request.body : ''
  if (isForm(request)) return Object.fromEntries([...new URLSearchParams(text)].filter(([, value]) => value !== ''))
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Back to the page for a form, and the outcome for everybody else. */
export function done(
  outcome: object,
  { request, reply, base }: { request: FastifyRequest; reply: FastifyReply; base: string },
): FastifyReply {
  if (isForm(request)) return reply.redirect(`${base}/sandbox`, 303)
  return reply.send(outcome)
}

function isForm({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
}

/** A form has one fault, and its numbers are texts. */
function toScenario(input: Record<string, unknown>): Scenario {
  const { match, faults, times, lastsMs, seed, fault, operation, key, percent } = input
  if (Array.isArray(faults)) return { match: match ?? {}, faults, times, lastsMs, seed } as Scenario
  return {
    match: {
      ...(operation !== undefined && { operation: String(operation) }),
      ...(key !== undefined && { key: String(key) }),
      ...(percent !== undefined && { percent: Number(percent) }),
    },
    faults: typeof fault === 'string' ? [fault] : [],
    ...(times !== undefined && { times: Number(times) }),
  }
}

const texts = {
  ko: {
    title: '대역',
    books: '장부',
    sums: { charged: '받은 돈', refunded: '돌려준 돈', reversed: '되돌아간 입금', kept: '남은 돈' },
    flaws: '장부의 흠',
    fault: '일부러 낼 오류',
    operation: '어느 호출에(비우면 모두)',
    key: '어느 주문에(비우면 모두)',
    percent: '몇 퍼센트에(비우면 모두)',
    times: '몇 번(비우면 계속)',
    begin: '시작',
    running: '진행 중인 오류',
    end: '끝내기',
    webhooks: '웹훅',
    again: '다시 보내기',
    clock: '시계',
    minutes: (count: number) => `${count}분 앞으로`,
  },
  en: {
    title: 'stand-in',
    books: 'Books',
    sums: { charged: 'taken', refunded: 'given back', reversed: 'deposits reversed', kept: 'kept' },
    flaws: 'Flaws of the books',
    fault: 'What shall go wrong',
    operation: 'in which calls (empty: all)',
    key: 'of which order (empty: all)',
    percent: 'in how many of a hundred (empty: all)',
    times: 'how often (empty: for ever)',
    begin: 'Begin',
    running: 'What goes wrong now',
    end: 'End',
    webhooks: 'Webhooks',
    again: 'Send again',
    clock: 'Clock',
    minutes: (count: number) => `${count} minutes on`,
  },
}

const shownMax = 30

function showPage(reply: FastifyReply, by: Controlled & { language: Language }): FastifyReply {
  const { base, provider, named, language, books, faults, webhooks, clock } = by
  const text = texts[language]
  const action = (path: string) => `${base}/sandbox${path}`
  const title = `${provider.title[language]} ${text.title}`
  const options = Object.entries(named).map(
    ([name, { number, label }]) => `<option value="${name}">${number} · ${escapeHtml(label[language])}</option>`,
  )
  const totals = Object.entries(books.totals()).map(([name, sum]) => [
    text.sums[name as keyof typeof text.sums],
    sum.toLocaleString('ko-KR'),
  ])
  const scenarios = faults
    .list()
    .map(({ id, faults: planned, match, times, happened }) => [
      escapeHtml(planned.map((fault) => (typeof fault === 'string' ? fault : fault.kind)).join(', ')),
      escapeHtml(JSON.stringify(match ?? {})),
      `${happened}${times === undefined ? '' : `/${times}`}`,
      button(action('/scenarios/end'), { text: text.end, fields: { id } }),
    ])
  const sent = webhooks.list().slice(-shownMax).reverse()
  const deliveries = sent.map(({ id, orderId, state, attempts }) => [
    escapeHtml(orderId),
    `${state} · ${attempts.map(({ status }) => status ?? '×').join(', ')}`,
    button(action(`/webhooks/${id}/redeliver`), { text: text.again }),
  ])
  const steps = [1, 10, 30, 1_440].map((count) =>
    button(action('/clock'), { text: text.minutes(count), fields: { advanceMs: String(count * 60_000) } }),
  )
  const fields = (['operation', 'key', 'percent', 'times'] as const).map(
    (name) => `<label>${text[name]} <input name="${name}"></label>`,
  )
  const content = `<h1>${escapeHtml(title)}</h1><p><small>${standsIn[language]}</small>
${table(text.books, totals)}
${table(
  text.flaws,
  books.findFlaws().map((flaw) => [escapeHtml(flaw)]),
)}
${provider.sections(by, language)}
<h2>${text.fault}</h2><form method="post" action="${action('/scenarios')}">
<select name="fault">${options.join('')}</select>
${fields.join('')}
<button>${text.begin}</button></form>
${table(text.running, scenarios)}
${table(text.webhooks, deliveries)}
<h2>${text.clock}</h2><p>${new Date(clock.nowMs()).toISOString()} ${steps.join(' ')}`
  return sendPage(reply, { title, language, content })
}
