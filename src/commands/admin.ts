import { text } from 'node:stream/consumers'
import { defineCommand } from 'citty'
import {
  changeProgrammeRole,
  createAdmin,
  findPersonByAddress,
  identityProblems,
  newPersonSchema,
  nicknameFormat,
  openPasswords,
  type Person,
  prepareSignUp,
} from '#modules/identity'
import { noOrigin } from '#platform/audit'
import { findProgrammeTime } from '#platform/clock'
import { readConfig } from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { openValidation } from '#platform/http-validation'
import { openLog } from '#platform/log'
import { type FieldError, Problem, type Text } from '#platform/problem'
import { findServiceRole } from '#platform/service-login'
import { StartProblem } from '#platform/start-problem'
import { system, workOver } from '#platform/work'
import { ask, Interrupted } from '../terminal/ask.ts'
import { adminTexts as texts } from './admin-texts.ts'
import { assertMigrated, getSite } from './database.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'

export const admin = defineCommand({
  meta: {
    name: 'admin',
    description: inTerminal({ ko: '관리자의 계정을 만듭니다.', en: 'Make administrators of the programme.' }),
  },
  subCommands: {
    create: defineCommand({
      meta: {
        name: 'create',
        description: inTerminal({
          ko:
            '관리자를 만듭니다. 첫 관리자든 아니든, Podo가 실행 중이든 아니든 됩니다. 주지 않은 것은 물어봅니다. ' +
            '비밀번호는 두 번 물어보며, 인수로는 받지 않습니다. 이미 있는 계정이면 관리자로 지정합니다.',
          en:
            'Make an administrator, the first or another one, while Podo runs or not. Asks for what is not given; ' +
            'the password is asked for twice, and is never an argument. An account that is there is promoted.',
        }),
      },
      args: {
        email: {
          type: 'string',
          description: inTerminal({ ko: '로그인할 이메일', en: 'The address to sign in with' }),
        },
        nickname: {
          type: 'string',
          description: inTerminal({ ko: '새 계정의 별명', en: 'The nickname of a new account' }),
        },
        'password-stdin': {
          type: 'boolean',
          default: false,
          description: inTerminal({
            ko: '비밀번호를 표준 입력에서 읽습니다',
            en: 'Read the password from standard input',
          }),
        },
        yes: {
          type: 'boolean',
          default: false,
          description: inTerminal({
            ko: '이미 있는 계정이면 묻지 않고 관리자로 지정합니다',
            en: 'Promote an account that is there without asking',
          }),
        },
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
      throw error instanceof Problem ? new StartProblem(error.kind.detail) : error
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
  // Before anything else is asked for: a mistyped address is nobody's.
  const email = await getFitting('email', asked.email)
  const found = await findPersonByAddress(database, email)
  if (found) return promote(database, { found, isAgreed: asked.isAgreed })
  const nickname = await getFitting('nickname', asked.nickname)
  const password = await getFitting('password', asked.readsPassword ? await readPassword() : undefined)
  return createNew(database, { email, nickname, password })
}

/** Makes the administrator; what only turns out to be wrong now is asked for again, and nothing else. */
async function createNew(database: Database, person: NewPerson): Promise<void> {
  try {
    const clock = { now: await findProgrammeTime(database), timeZone: readConfig().timeZone }
    const prepared = await prepareSignUp({ passwords: openPasswords(), clock }, { ...person, birthOn: null, bio: null })
    const { member } = await workOver(database)(system, (work) => createAdmin(work, { ...prepared, origin: noOrigin }))
    say(texts.created(member.nickname))
  } catch (error) {
    const mistakes = toMistakes(error)
    const field = mistakes[0]?.pointer.slice(1)
    if (!isField(field)) throw error
    refuse(toSentences(mistakes))
    await createNew(database, { ...person, [field]: await getFitting(field) })
  }
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
async function readPassword(): Promise<string> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, '')
  if (password === '') throw new StartProblem(texts.emptyPassword)
  return password
}

interface NewPerson {
  readonly email: string
  readonly nickname: string
  readonly password: string
}

type Field = keyof NewPerson

function isField(name: string | undefined): name is Field {
  return name === 'email' || name === 'nickname' || name === 'password'
}

const findMistakes = openValidation({ nickname: nicknameFormat }).compileFields(newPersonSchema)

/** What was given or is answered, as it is kept; asks until it fits. Without a terminal it throws what is wrong. */
async function getFitting(field: Field, given?: string): Promise<string> {
  const kept = { [field]: given ?? (await askField(field)) }
  const mistakes = (findMistakes(kept) ?? []).filter(({ pointer }) => pointer === `/${field}`)
  if (mistakes.length === 0) return kept[field]!
  refuse(toSentences(mistakes))
  return getFitting(field)
}

async function askField(field: Field): Promise<string> {
  const isSecret = field === 'password'
  const { question, missing } = texts[field]
  const answer = await askFor(question, missing, { isSecret })
  if (!isSecret || answer === (await askFor(texts.again, missing, { isSecret }))) return answer
  refuse(texts.differ)
  return askField(field)
}

/** Asks on the terminal; throws what is missing where there is none. */
function askFor(question: Text, missing: Text, options?: { isSecret: boolean }): Promise<string> {
  if (!process.stdin.isTTY) throw new StartProblem(missing)
  return ask(inTerminal(question), options)
}

/** Says what is wrong before it is asked for again; throws it where nobody can be asked. */
function refuse(reason: Text): void {
  if (!process.stdin.isTTY) throw new StartProblem(reason)
  console.error(inTerminal(reason))
}

/** What is wrong with fields, as far as this error tells. */
function toMistakes(error: unknown): readonly FieldError[] {
  if (!(error instanceof Problem)) return []
  if (error.kind === identityProblems.nicknameTaken) return [{ pointer: '/nickname', detail: texts.nicknameTaken }]
  return error.errors ?? []
}

function toSentences(mistakes: readonly FieldError[]): Text {
  const inLanguage = (language: keyof Text) =>
    mistakes.map(({ pointer, detail }) => `${texts.field(pointer.slice(1))[language]}: ${detail[language]}`).join('\n')
  return { ko: inLanguage('ko'), en: inLanguage('en') }
}

function say(text: Text): void {
  console.log(inTerminal(text))
}
