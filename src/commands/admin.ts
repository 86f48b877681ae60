import { text } from 'node:stream/consumers'
import { defineCommand } from 'citty'
import {
  changeProgrammeRole,
  createAdmin,
  findPersonByAddress,
  newPersonSchema,
  nicknameFormat,
  openPasswords,
  type Person,
  prepareSignUp,
} from '#modules/identity'
import { noOrigin } from '#platform/audit'
import { readConfig } from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { openValidation } from '#platform/http-validation'
import { openLog } from '#platform/log'
import { type FieldError, Problem, type Text } from '#platform/problem'
import { findServiceRole } from '#platform/service-login'
import { StartProblem, terminalLanguage } from '#platform/start-problem'
import { system, workOver } from '#platform/work'
import { ask, Interrupted } from '../terminal/ask.ts'
import { adminTexts as texts } from './admin-texts.ts'
import { assertMigrated, getSite } from './database.ts'
import { reporting } from './plain.ts'

export const admin = defineCommand({
  meta: { name: 'admin', description: 'Administrators of the programme' },
  subCommands: {
    create: defineCommand({
      meta: {
        name: 'create',
        description:
          'Make an administrator, the first or another one, while Podo runs or not. Asks for what is not given; ' +
          'the password is asked for twice, and is never an argument. An account that is there is promoted.',
      },
      args: {
        email: { type: 'string', description: 'The address to sign in with' },
        nickname: { type: 'string', description: 'The nickname of a new account' },
        'password-stdin': { type: 'boolean', default: false, description: 'Read the password from standard input' },
        yes: { type: 'boolean', default: false, description: 'Promote an account that is there without asking' },
      },
      run: ({ args }) =>
        reporting(async () => {
          const { email, nickname, yes: isAgreed } = args
          await create({ email, nickname, isAgreed, readsPassword: args['password-stdin'] })
        }),
    }),
  },
})

interface Asked {
  readonly email: string | undefined
  readonly nickname: string | undefined
  readonly isAgreed: boolean
  /** Whether the password comes from the standard input. */
  readonly readsPassword: boolean
}

async function create(asked: Asked): Promise<void> {
  const config = readConfig()
  const log = openLog({ level: config.logLevel === 'info' ? 'warn' : config.logLevel })
  const site = await getSite(config, log)
  try {
    const role = site.embedded ? null : await findServiceRole(site.serviceUrl, config.profile !== 'production')
    const database = openDatabase({
      url: site.serviceUrl,
      poolSize: 2,
      role: role ?? undefined,
      applicationName: 'podo admin',
    })
    try {
      await assertMigrated(database)
      await createIn(database, asked)
    } catch (error) {
      throw error instanceof Problem ? toStartProblem(error) : error
    } finally {
      await database.close()
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    throw new StartProblem(texts.unchanged)
  } finally {
    await site.close()
  }
}

async function createIn(database: Database, asked: Asked): Promise<void> {
  const email = asked.email ?? (await askFor(texts.email, texts.noEmail))
  // Before anything else is asked for: a mistyped address is nobody's.
  assertFits({ email })
  const found = await findPersonByAddress(database, email)
  if (found) return promote(database, { found, isAgreed: asked.isAgreed })
  const nickname = asked.nickname ?? (await askFor(texts.nickname, texts.noNickname))
  assertFits({ nickname })
  const person = fitting({ email, nickname, password: await readPassword(asked.readsPassword) })
  const prepared = await prepareSignUp(openPasswords(), { ...person, birthOn: null, bio: null })
  const { member } = await workOver(database)(system, (work) => createAdmin(work, { ...prepared, origin: noOrigin }))
  say(texts.created(member.nickname))
}

async function promote(database: Database, { found, isAgreed }: { found: Person; isAgreed: boolean }): Promise<void> {
  const { id: memberId, nickname, isAdmin } = found.member
  if (isAdmin) return say(texts.isAdmin(nickname))
  if (!isAgreed) {
    const answer = await askFor(texts.promote(nickname), texts.notConfirmed)
    if (!/^(y|yes|예|네)$/i.test(answer.trim())) throw new StartProblem(texts.unchanged)
  }
  await workOver(database)(system, (work) => changeProgrammeRole(work, { memberId, role: 'ADMIN', origin: noOrigin }))
  say(texts.promoted(nickname))
}

/** An argument would stand in the list of processes and in the shell's history. */
async function readPassword(readsInput: boolean): Promise<string> {
  if (readsInput) {
    const password = (await text(process.stdin)).replace(/\r?\n$/, '')
    if (password === '') throw new StartProblem(texts.emptyPassword)
    return password
  }
  const password = await askFor(texts.password, texts.noPassword, { isSecret: true })
  if ((await askFor(texts.again, texts.noPassword, { isSecret: true })) !== password)
    throw new StartProblem(texts.differ)
  return password
}

/** Asks on the terminal; throws what is missing where there is none. */
function askFor(question: Text, missing: Text, options?: { isSecret: boolean }): Promise<string> {
  if (!process.stdin.isTTY) throw new StartProblem(missing)
  return ask(question[terminalLanguage(process.env)], options)
}

interface NewPerson {
  readonly email: string
  readonly nickname: string
  readonly password: string
}

const findMistakes = openValidation({ nickname: nicknameFormat }).compileFields(newPersonSchema)

/** What was given, as it is kept; throws the sentences of every mistake. */
function fitting(given: NewPerson): NewPerson {
  const person = { ...given }
  const mistakes = findMistakes(person)
  if (mistakes) throw new StartProblem(toSentences(mistakes))
  return person
}

/** Throws what is wrong with what was given until now. */
function assertFits(given: Partial<NewPerson>): void {
  const mistakes = (findMistakes({ ...given }) ?? []).filter(({ pointer }) => pointer.slice(1) in given)
  if (mistakes.length > 0) throw new StartProblem(toSentences(mistakes))
}

function toStartProblem({ kind, errors }: Problem): StartProblem {
  return new StartProblem(errors ? toSentences(errors) : kind.detail)
}

function toSentences(mistakes: readonly FieldError[]): Text {
  const inLanguage = (language: keyof Text) =>
    mistakes.map(({ pointer, detail }) => `${texts.field(pointer.slice(1))[language]}: ${detail[language]}`).join('\n')
  return { ko: inLanguage('ko'), en: inLanguage('en') }
}

function say(text: Text): void {
  console.log(text[terminalLanguage(process.env)])
}
