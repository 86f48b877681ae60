import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import { type Config, readConfig } from '#platform/config'
import type { Text } from '#platform/problem'
import { StartProblem, terminalLanguage } from '#platform/start-problem'
import { pad } from '../terminal/columns.ts'
import { listenHelp as help, type Refusal, listenTexts as texts } from './listen-texts.ts'
import { type Came, openListener } from './listener.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'
import { stopSignal } from './signals.ts'

const option = (text: Text) => ({ type: 'string', description: inTerminal(text) }) as const

export const listen = defineCommand({
  meta: { name: 'listen', description: inTerminal(help.listen) },
  args: {
    company: option(help.company),
    types: { ...option(help.types), default: '*' },
    forward: option(help.forward),
    url: option(help.url),
  },
  run: ({ args: { company, types, forward, url } }) => reporting(() => run({ company, types, forward, url })),
})

interface Asked {
  readonly company: string | undefined
  readonly types: string
  readonly forward: string | undefined
  readonly url: string | undefined
}

async function run(asked: Asked): Promise<void> {
  const stopped = stopSignal()
  const config = readConfig()
  const url = asked.url ?? (process.env.PODO_URL || `http://${config.host}:${config.port}`)
  assertUrl('--url', url)
  if (asked.forward !== undefined) assertUrl('--forward', asked.forward)
  const call = openCalls({ url, key: readKey(config) })
  const company = await findCompany(call, asked.company)
  let count = 0
  const listener = await openListener({
    forward: asked.forward,
    onEvent(came) {
      count += 1
      console.log(toLine(came))
    },
    onStranger: () => console.error(inTerminal(texts.unsigned)),
  })
  try {
    const endpoints = `/v1/companies/${company.id}/webhook-endpoints`
    const types = asked.types.split(',').map((type) => type.trim())
    const endpoint = await call<{ id: string; secret: string }>('POST', endpoints, { url: listener.url, types })
    listener.trust(endpoint.secret)
    try {
      console.log(inTerminal(texts.listening({ types: types.join(', '), company: nameOf(company), url })))
      await stopped
    } finally {
      await call('DELETE', `${endpoints}/${endpoint.id}`)
    }
    console.log(inTerminal(texts.ended(count)))
  } finally {
    listener.close()
  }
}

interface Company {
  readonly id: string
  readonly name: string
}

const shownMax = 20

async function findCompany(call: Call, given: string | undefined): Promise<Company> {
  if (given !== undefined) return { id: given, name: '' }
  const { items } = await call<{ items: Company[] }>('GET', `/v1/companies?limit=${shownMax}`).catch((error) => {
    throw error instanceof Forbidden ? new StartProblem(texts.companyNeeded) : error
  })
  const [first, second] = items
  if (!first) throw new StartProblem(texts.noCompany)
  if (second)
    throw new StartProblem(texts.whichCompany(items.map((it) => `  --company=${it.id}  ${it.name}`).join('\n')))
  return first
}

function nameOf({ id, name }: Company): string {
  return name === '' ? id : `${name} (${id})`
}

const typeWidth = 16

function toLine({ event, status, attempt, reason }: Came): string {
  const time = new Date().toTimeString().slice(0, 8)
  return [
    `${time}  ${pad(event.type, typeWidth)}  ${event.subject}  ${status}`,
    ...(attempt > 1 ? [inTerminal(texts.attempt(attempt))] : []),
    ...(reason === null ? [] : [inTerminal(texts.notForwarded(reason))]),
  ].join('  ')
}

type Call = <Body>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<Body>

class Forbidden extends StartProblem {}

const timeoutMs = 15_000

/** The API of a running Podo; what it refuses is a StartProblem in its own words. */
function openCalls({ url, key }: { url: string; key: string }): Call {
  return async <Body>(method: string, path: string, body?: object) => {
    const answer = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        'accept-language': terminalLanguage(process.env),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(timeoutMs),
    }).catch(() => {
      throw new StartProblem(texts.away(url))
    })
    if (answer.status === 204) return undefined as Body
    const isJson = /json/.test(answer.headers.get('content-type') ?? '')
    if (!isJson) throw new StartProblem(texts.away(url))
    if (answer.ok) return (await answer.json()) as Body
    if (answer.status === 401) throw new StartProblem(texts.wrongKey)
    const refusal = texts.refused((await answer.json()) as Refusal)
    throw answer.status === 403 ? new Forbidden(refusal) : new StartProblem(refusal)
  }
}

function readKey(config: Config): string {
  const path = join(config.dataDir, 'operator.key')
  const given = process.env.PODO_API_KEY || config.operatorKey
  if (given) return given
  if (existsSync(path)) return readFileSync(path, 'utf8').trim()
  throw new StartProblem(texts.noKey(path))
}

function assertUrl(name: string, text: string): void {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new StartProblem(texts.noUrl(name))
}
