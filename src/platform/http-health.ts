import Type from 'typebox'
import { type Durability, durabilities } from './durability.ts'
import type { HttpServer } from './http.ts'
import { languageOf } from './http-failures.ts'
import { httpProblems } from './http-problems.ts'
import { oneOf } from './http-schema.ts'
import type { Metrics } from './metrics.ts'
import { Problem, type Text } from './problem.ts'

/** Something that must be well before requests are welcome, or that somebody should look at. */
export interface ReadinessCheck {
  readonly name: string
  /** Null when it is well, else what is wrong, in a sentence without secrets. */
  check(): Promise<Text | null>
}

const checkTimeoutMs = 2_000

/** Routes for whoever watches the process. */
export function addHealth(
  server: HttpServer,
  options: {
    checks: readonly ReadinessCheck[]
    /** What does not keep requests away, but is told. */
    warnings: readonly ReadinessCheck[]
    /** What an acknowledged commit outlives. */
    durability(): Promise<Durability>
    metrics: Metrics
    isClosing(): boolean
  },
): void {
  const { checks, warnings, durability, metrics, isClosing } = options
  const route = { method: 'GET', config: { access: 'public' } } as const
  server.route({
    ...route,
    url: '/health/live',
    config: { access: 'public', example: { answer: { status: 'live' } } },
    schema: {
      ...operation('getLiveness', 'Whether the process runs'),
      response: { 200: Type.Object({ status: live }) },
    },
    handler: async () => ({ status: 'live' as const }),
  })
  server.route({
    ...route,
    url: '/health/ready',
    config: {
      access: 'public',
      problems: [httpProblems.notReady],
      example: { answer: { status: 'ready', checks: ['database'], warnings: {}, durability: 'machine' } },
    },
    schema: {
      ...operation('getReadiness', 'Whether requests are welcome, and what is not ready, by name'),
      response: {
        200: Type.Object({
          status: ready,
          checks: Type.Array(Type.String()),
          warnings: Type.Record(Type.String(), Type.String()),
          durability: oneOf(durabilities, { description: durabilityMeaning }),
        }),
      },
    },
    async handler(request, reply) {
      const language = languageOf(request)
      const toSentences = (results: readonly Wrong[]) =>
        Object.fromEntries(results.map(([name, problem]) => [name, problem[language]]))
      const [results, doubts, durable] = await Promise.all([
        runAll(checks),
        runAll(warnings),
        inTime<Durability>(durability(), { late: 'none', failed: 'none' }),
      ])
      const wrong = results.filter(isWrong)
      if (isClosing()) wrong.push(['shutdown', stopping])
      if (wrong.length === 0) {
        reply.header('content-language', language)
        const told = toSentences(doubts.filter(isWrong))
        const names = results.map(([name]) => name)
        return { status: 'ready' as const, checks: names, warnings: told, durability: durable }
      }
      const waitingFor = wrong.map(([name]) => name).join(', ')
      const params = { waitingFor, ...toSentences(wrong) }
      throw new Problem(httpProblems.notReady, { params, headers: { 'Retry-After': '1' } })
    },
  })
  server.route({
    ...route,
    url: '/metrics',
    schema: {
      ...operation('getMetrics', 'What the process counts, for Prometheus'),
      response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
    },
    handler: async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  })
}

const durabilityMeaning =
  'What an acknowledged commit outlives: `process`, the end of processes only; `machine`, that of the machine; ' +
  '`failover`, one to a synchronous standby as well. `none` where the database takes no commits, or did not say.'

const live = Type.Literal('live')
const ready = Type.Literal('ready')

function operation(operationId: string, summary: string) {
  return { operationId, summary, tags: ['Service'] }
}

type Wrong = readonly [name: string, problem: Text]
type Result = Wrong | readonly [name: string, problem: null]

function runAll(checks: readonly ReadinessCheck[]): Promise<Result[]> {
  return Promise.all(
    checks.map(async ({ name, check }) => [name, await inTime<Text | null>(check(), unwell)] as Result),
  )
}

function isWrong(result: Result): result is Wrong {
  return result[1] !== null
}

/** What a check that hangs or fails says. */
const unwell = {
  late: { ko: '제때 답하지 않았습니다.', en: 'It did not answer in time.' },
  failed: { ko: '연결할 수 없습니다.', en: 'It cannot be reached.' },
}
const stopping = { ko: '프로세스가 멈추는 중입니다.', en: 'The process is stopping.' }

/** The outcome of something asked of the database, or what stands for it where it hangs or fails. */
async function inTime<T>(asked: Promise<T>, otherwise: { readonly late: T; readonly failed: T }): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise.late), checkTimeoutMs)
  })
  try {
    return await Promise.race([asked, late])
  } catch {
    return otherwise.failed
  } finally {
    clearTimeout(timer)
  }
}
