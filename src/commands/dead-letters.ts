import { defineCommand } from 'citty'
import { envelopesOf } from '#catalogue'
import {
  deadLetterFilterSchema,
  getDeadLetter,
  readDeadLetterFilter,
  readDeadLetterId,
  redriveDeadLetters,
  toDeadLetterBody,
} from '#modules/ops'
import { noOrigin } from '#platform/audit'
import { type Config, readConfig } from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { type DeadLetterFilter, listDeadLetters } from '#platform/events/dead-letters'
import { openValidation } from '#platform/http-validation'
import { openLog } from '#platform/log'
import { type FieldError, Problem, type Text } from '#platform/problem'
import { findServiceRole } from '#platform/service-login'
import { StartProblem } from '#platform/start-problem'
import { system, workOver } from '#platform/work'
import { clip, pad, renderTable, widthOf } from '../terminal/columns.ts'
import { assertMigrated, getSite } from './database.ts'
import { deadLetterHelp as help, deadLetterTexts as texts } from './dead-letter-texts.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'

const option = (text: Text) => ({ type: 'string', description: inTerminal(text) }) as const
const flag = (text: Text) => ({ type: 'boolean', default: false, description: inTerminal(text) }) as const
const filterArgs = {
  subscription: option(help.subscription),
  type: option(help.type),
  subject: option(help.subject),
  from: option(help.from),
  to: option(help.to),
}
const json = flag(help.json)

export const deadLetters = defineCommand({
  meta: { name: 'dead-letters', description: inTerminal(help.deadLetters) },
  subCommands: {
    list: defineCommand({
      meta: { name: 'list', description: inTerminal(help.list) },
      args: { ...filterArgs, limit: { ...option(help.limit), default: '20' }, json },
      run: ({ args }) => reporting(() => withDatabase((by) => list(by, args))),
    }),
    show: defineCommand({
      meta: { name: 'show', description: inTerminal(help.show) },
      args: { id: { type: 'positional', required: true, description: inTerminal(help.id) }, json },
      run: ({ args }) => reporting(() => withDatabase((by) => show(by, args))),
    }),
    redrive: defineCommand({
      meta: { name: 'redrive', description: inTerminal(help.redrive) },
      args: { ids: option(help.ids), ...filterArgs, all: flag(help.all), json },
      run: ({ args }) => reporting(() => withDatabase((by) => redrive(by, args))),
    }),
  },
})

interface Parts {
  readonly config: Config
  readonly database: Database
}

async function withDatabase(run: (parts: Parts) => Promise<void>): Promise<void> {
  const config = readConfig()
  const log = openLog({ level: config.logLevel === 'info' ? 'warn' : config.logLevel })
  const site = await getSite(config, log)
  try {
    const role = site.embedded ? null : await findServiceRole(site.serviceUrl, config.profile !== 'production')
    const options = { url: site.serviceUrl, role: role ?? undefined, applicationName: 'podo dead-letters' }
    const database = openDatabase({ ...options, poolSize: 2 })
    try {
      await assertMigrated(database)
      await run({ config, database })
    } catch (error) {
      throw error instanceof Problem ? toStartProblem(error) : error
    } finally {
      await database.close()
    }
  } finally {
    await site.close()
  }
}

interface Filter {
  readonly ids?: string | undefined
  readonly subscription?: string | undefined
  readonly type?: string | undefined
  readonly subject?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

const limitMax = 1_000
const findMistakes = openValidation().compileFields(deadLetterFilterSchema)

function readFilter(given: Filter, { timeZone }: Config): DeadLetterFilter {
  const { ids, subscription, type, subject, from, to } = given
  const named = Object.entries({ ids: ids && [...new Set(ids.split(','))], subscription, type, subject, from, to })
  const filter = Object.fromEntries(named.filter(([, value]) => value !== undefined))
  const mistakes = findMistakes(filter)
  if (mistakes) throw new StartProblem(toSentences(mistakes))
  return readDeadLetterFilter(filter, timeZone)
}

async function list({ config, database }: Parts, asked: Filter & { limit: string; json: boolean }): Promise<void> {
  const limit = Number(asked.limit)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= limitMax)) throw new StartProblem(texts.wrongLimit)
  const filter = readFilter(asked, config)
  const found = await listDeadLetters(database, { filter, after: null, limit: limit + 1 })
  const letters = found.slice(0, limit)
  const envelopes = envelopesOf(config)
  if (asked.json) return print(letters.map((letter) => toDeadLetterBody(letter, envelopes)))
  if (letters.length === 0) return say(texts.none)
  const { id, failedAt, subscription, type, error } = texts.columns
  const columns = [id, failedAt, subscription, type, error].map((title) => {
    return { title: inTerminal(title), side: 'left' } as const
  })
  const rows = letters.map((letter) => {
    const body = toDeadLetterBody(letter, envelopes)
    return [body.id, shown(letter.failedAt, config), body.subscription, body.event.type, plain(body.error)]
  })
  const width = process.stdout.columns ?? Number.POSITIVE_INFINITY
  for (const line of renderTable(columns, rows)) console.log(clip(line, width))
  console.log()
  say(texts.shown(letters.length, found.length > limit))
}

async function show({ config, database }: Parts, asked: { id: string; json: boolean }): Promise<void> {
  const letter = await getDeadLetter(database, readDeadLetterId(asked.id))
  const body = toDeadLetterBody(letter, envelopesOf(config))
  if (asked.json) return print(body)
  const { columns } = texts
  const lines: [Text, string][] = [
    [columns.id, body.id],
    [columns.subscription, body.subscription],
    [columns.type, `${body.event.type} ${body.event.id}`],
    [columns.subject, body.event.subject],
    [columns.attempts, String(body.attempts)],
    [columns.failedAt, shown(letter.failedAt, config)],
    [columns.error, plain(body.error)],
  ]
  const width = Math.max(...lines.map(([title]) => widthOf(inTerminal(title))))
  for (const [title, value] of lines) console.log(`${pad(inTerminal(title), width)}  ${value}`)
  console.log()
  print(body.event)
}

async function redrive({ config, database }: Parts, asked: Filter & { all: boolean; json: boolean }): Promise<void> {
  const filter = readFilter(asked, config)
  if (!asked.all && Object.values(filter).every((it) => it === null)) throw new StartProblem(texts.nothingSaid)
  const withWork = workOver(database)
  let redriven = 0
  for (let hasMore = true; hasMore; ) {
    const done = await withWork(system, (work) => redriveDeadLetters(work, { filter, origin: noOrigin }))
    redriven += done.redriven
    hasMore = done.hasMore
  }
  if (asked.json) return print({ redriven })
  say(redriven === 0 ? texts.none : texts.redriven(redriven))
}

/** An instant in the programme's time zone, to the second. */
function shown(at: Date, { timeZone }: Config): string {
  const time = at.toTemporalInstant().toZonedDateTimeISO(timeZone).toPlainDateTime()
  return time.toString({ smallestUnit: 'second' }).replace('T', ' ')
}

/** On one line, and without what a terminal would obey. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

function toStartProblem({ kind, errors }: Problem): StartProblem {
  return new StartProblem(errors ? toSentences(errors) : kind.detail)
}

function toSentences(mistakes: readonly FieldError[]): Text {
  const inLanguage = (language: keyof Text) =>
    mistakes.map(({ pointer, detail }) => `--${pointer.split('/')[1]}: ${detail[language]}`).join('\n')
  return { ko: inLanguage('ko'), en: inLanguage('en') }
}

function print(value: object): void {
  console.log(JSON.stringify(value, null, 2))
}

function say(text: Text): void {
  console.log(inTerminal(text))
}
