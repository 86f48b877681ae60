import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { defineCommand } from 'citty'
import { type Config, readConfig } from '#platform/config'
import { isFolderLocked } from '#platform/folder-lock'
import type { Language, Text } from '#platform/problem'
import { StartProblem, terminalLanguage } from '#platform/start-problem'
import { playDemo } from '../demo/demo.ts'
import { leftAlone, planOutage } from './demo-outage.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'

export const demo = defineCommand({
  meta: {
    name: 'demo',
    description: inTerminal({
      ko: '회사와 회원, 충전과 사용, 동시 요청을 보여 줍니다. 실행 중인 Podo(PODO_URL)를 쓰고, 없으면 시작합니다.',
      en: 'Show companies, members, charges and races. Uses a running Podo (PODO_URL), or starts one.',
    }),
  },
  run: () =>
    reporting(async () => {
      process.exitCode = (await run()) ? 0 : 1
    }),
})

async function run(): Promise<boolean> {
  const config = readConfig()
  if (config.profile === 'production') throw new StartProblem(texts.production)
  const language = terminalLanguage(process.env)
  const given = process.env.PODO_URL
  const url = given || `http://${config.host}:${config.port}`
  if (await isReady(url)) {
    const address = { url, key: readKey(config), language }
    return playDemo({ address, intro: texts.found(url), outage: leftAlone })
  }
  if (given) throw new StartProblem(texts.away(given))
  if (!config.databaseUrl && existsSync(config.dataDir) && isFolderLocked(config.dataDir)) {
    throw new StartProblem(texts.elsewhere(config.dataDir, url))
  }
  console.log(texts.starting[language])
  return playOnOurs(config, language)
}

async function playOnOurs(config: Config, language: Language): Promise<boolean> {
  const { outage, settings, end } = await planOutage(config)
  try {
    const started = await startPodo(config, settings)
    try {
      const address = { url: started.url, key: readKey(config), language }
      return await playDemo({ address, intro: texts.started(started.url), outage })
    } finally {
      await started.stop()
    }
  } finally {
    await end()
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/health/ready', url), { signal: AbortSignal.timeout(3_000) })
    const body = (await response.json()) as { status?: unknown }
    return response.status === 200 && body.status === 'ready'
  } catch {
    return false
  }
}

function readKey(config: Config): string {
  const path = join(config.dataDir, 'operator.key')
  if (config.operatorKey) return config.operatorKey
  if (existsSync(path)) return readFileSync(path, 'utf8').trim()
  throw new StartProblem(texts.noKey(path))
}

/** Everything in a process of its own, as `npm start` would; it ends with this one, however this one ends. */
async function startPodo(config: Config, settings: NodeJS.ProcessEnv): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await choosePort(config)
  const main = join(import.meta.dirname, '../main.ts')
  const child = spawn(process.execPath, [main, 'up'], {
    env: { ...process.env, ...settings, PORT: String(port), LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4_000)
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  stopWithUs(child, ended)
  const url = `http://${config.host}:${port}`
  const deadline = performance.now() + startTimeoutMs
  while (!(await isReady(url))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new StartProblem({ ko: said.trim(), en: said.trim() })
    if (performance.now() > deadline) {
      child.kill('SIGTERM')
      throw new StartProblem(texts.slow)
    }
    await delay(50)
  }
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

const startTimeoutMs = 60_000

/** Ctrl-C reaches the other process by itself; any other signal has to be passed on. */
function stopWithUs(child: ChildProcess, ended: Promise<void>): void {
  process.on('exit', () => child.kill('SIGTERM'))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, async () => {
      child.kill('SIGTERM')
      await ended
      process.exit(128 + constants.signals[signal])
    })
  }
}

/** The port of the settings, or any free one where somebody else has it. */
async function choosePort({ host, port }: Config): Promise<number> {
  for (const wanted of [port, 0]) {
    const server = createServer()
    const free = await new Promise<number>((resolve) => {
      server.once('error', () => resolve(0))
      server.listen({ host, port: wanted, exclusive: true }, () => resolve((server.address() as { port: number }).port))
    })
    await new Promise<void>((resolve) => server.close(() => resolve()))
    if (free > 0) return free
  }
  throw new StartProblem(texts.noPort(host))
}

const texts = {
  starting: {
    ko: 'Podo를 시작합니다. 데모가 끝나면 함께 멈춥니다.',
    en: 'Starting Podo; it stops when the demo ends.',
  },
  production: {
    ko: '데모는 지어낸 회사와 회원을 만들기 때문에 운영 프로필에서는 실행하지 않습니다.',
    en: 'The demo makes up companies and members, so it does not run with the production profile.',
  },
  slow: {
    ko: 'Podo가 60초 안에 준비되지 않았습니다. "npm start"로 무엇이 문제인지 확인해 주십시오.',
    en: 'Podo was not ready within 60 seconds. See by "npm start" what is the matter.',
  },
  found: (url: string): Text => ({
    ko: `실행 중인 Podo(${url})를 HTTP API로만 사용합니다.`,
    en: `Against the Podo at ${url}, through its HTTP API only.`,
  }),
  started: (url: string): Text => ({
    ko: `방금 시작한 Podo(${url})를 HTTP API로만 사용합니다.`,
    en: `Against a Podo just started at ${url}, through its HTTP API only.`,
  }),
  away: (url: string): Text => ({
    ko: `Podo(${url})가 응답하지 않습니다. PODO_URL을 확인해 주십시오.`,
    en: `No Podo answers at ${url}. Check PODO_URL.`,
  }),
  elsewhere: (folder: string, url: string): Text => ({
    ko: `데이터 폴더(${folder})에서 Podo가 실행 중이지만 이 주소(${url})에서는 응답하지 않습니다. 실행 중인 주소를 PODO_URL로 지정해 주십시오.`,
    en: `A Podo runs on the data folder ${folder}, but does not answer at ${url}. Give its address as PODO_URL.`,
  }),
  noKey: (path: string): Text => ({
    ko: `운영자 키가 없습니다. PODO_OPERATOR_KEY를 지정하거나, 키 파일(${path})이 있는 데이터 폴더를 PODO_DATA_DIR로 지정해 주십시오.`,
    en: `There is no operator's key. Set PODO_OPERATOR_KEY, or PODO_DATA_DIR to the data folder with ${path}.`,
  }),
  noPort: (host: string): Text => ({
    ko: `이 주소(${host})에서 빈 포트를 찾지 못했습니다. HOST를 확인해 주십시오.`,
    en: `No port of ${host} is free. Check HOST.`,
  }),
}
