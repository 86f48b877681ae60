import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../architecture/sources.ts'
import { drawRecording } from './drawing.ts'
import { type Burst, playTerminal } from './terminal.ts'

/**
 * Records `npm start` and `npm run demo` in a real terminal, in both languages, for the README. It needs `script` of
 * util-linux, Kafka (`npm run engines`) and the port 8080, and makes a data folder of its own. Paths are shown as if
 * Podo were in ~/podo.
 */
const columns = 100
const locales = { en: 'en_US.UTF-8', ko: 'ko_KR.UTF-8' }
// Nobody learns anything from a longer wait.
const pauseMaxMs = 2_500

for (const [language, locale] of Object.entries(locales)) {
  const dataDir = await mkdtemp(join(tmpdir(), 'podo-recording-'))
  // Root runs PostgreSQL as somebody else, who has to get through.
  await chmod(dataDir, 0o711)
  const environment = { ...cleanEnvironment(), LANG: locale, PODO_DATA_DIR: join(dataDir, '.podo') }
  const hidePaths = (text: string) => text.replaceAll(join(dataDir, '.podo'), '~/podo/.podo').replaceAll(root, '~/podo')
  const start = openTerminal('npm start', environment)
  try {
    await start.until(/Ctrl-C/)
    await draw(`start.${language}.svg`, { title: 'npm start', bursts: standStill(start.bursts), hidePaths })
    // The demo stops no PostgreSQL but that of a Podo of its own.
    start.interrupt()
    await start.ended
    const demo = openTerminal('npm run demo', environment)
    await demo.ended
    await draw(`demo.${language}.svg`, { title: 'npm run demo', bursts: demo.bursts, hidePaths })
  } finally {
    start.interrupt()
    await start.ended
    await rm(dataDir, { recursive: true, force: true })
  }
}

interface Terminal {
  readonly bursts: readonly Burst[]
  /** When the command has ended. */
  readonly ended: Promise<void>
  /** When it has written something like that; fails when it ended without. */
  until(pattern: RegExp): Promise<void>
  interrupt(): void
}

function openTerminal(command: string, env: NodeJS.ProcessEnv): Terminal {
  const bursts: Burst[] = [{ atMs: 0, text: `$ ${command}\r\n` }]
  const startedAt = performance.now()
  const child = spawn('script', ['-qec', `stty cols ${columns} rows 40; exec ${command}`, '/dev/null'], {
    cwd: root,
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let onWritten = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    bursts.push({ atMs: Math.round(performance.now() - startedAt), text })
    onWritten()
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
  return {
    bursts,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        onWritten = () => pattern.test(bursts.map(({ text }) => text).join('')) && resolve()
        ended.then(() => reject(new Error(bursts.map(({ text }) => text).join(''))), reject)
      }),
    // As the key would: the terminal passes it on to whatever runs in it.
    interrupt: () => void (child.exitCode === null && child.stdin.write('\x03')),
  }
}

async function draw(
  file: string,
  it: { title: string; bursts: readonly Burst[]; hidePaths: (text: string) => string },
): Promise<void> {
  const whole = shortenPauses(it.bursts).map(({ atMs, text }) => ({ atMs, text: it.hidePaths(text) }))
  const lines = playTerminal(whole)
  while (lines.at(-1)?.every(({ cells }) => cells.length === 0)) lines.pop()
  await writeFile(join(root, 'docs/images', file), drawRecording(lines, { title: it.title, columns, rows: 30 }))
  console.log(`docs/images/${file}`)
}

/** All at once: a few lines are better read than watched. */
function standStill(bursts: readonly Burst[]): Burst[] {
  return bursts.map(({ text }) => ({ atMs: 0, text }))
}

function shortenPauses(bursts: readonly Burst[]): Burst[] {
  let saved = 0
  return bursts.map(({ atMs, text }, index) => {
    const pause = atMs - (bursts[index - 1]?.atMs ?? 0)
    saved += Math.max(0, pause - pauseMaxMs)
    return { atMs: atMs - saved, text }
  })
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(PODO_|DATABASE_|LC_|LANG|PORT$|HOST$|NO_COLOR)/.test(name),
  )
  return {
    ...Object.fromEntries(kept),
    TERM: 'xterm-256color',
    npm_config_loglevel: 'error',
    npm_config_progress: 'false',
  }
}
