import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, matchesGlob, posix } from 'node:path'
import { root } from './architecture/sources.ts'

/** From one `FROM` to the next. */
export interface Stage {
  readonly base: string
  readonly name: string | null
  readonly steps: readonly Step[]
}

export interface Step {
  readonly instruction: string
  readonly text: string
}

/** The stages of the Dockerfile: one instruction a line, or several that end with a backslash; no heredocs. */
export function readDockerfile(): readonly [Stage, ...Stage[]] {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, '')
    .split('\n')
  const steps = lines.flatMap((line): Step[] => {
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    return instruction ? [{ instruction, text: rest! }] : []
  })
  const starts = steps.flatMap(({ instruction }, at) => (instruction === 'FROM' ? [at] : []))
  return starts.map((start, at): Stage => {
    const [base, , name] = steps[start]!.text.split(' ')
    return { base: base!, name: name ?? null, steps: steps.slice(start + 1, starts[at + 1]) }
  }) as [Stage, ...Stage[]]
}

/** What a container of a stage starts with. */
export interface Start {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly user: number
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly healthCheck: readonly string[]
  readonly stopSignal: NodeJS.Signals
}

/** What the last stage says of that. */
export function readStart(): Start {
  const { steps } = readDockerfile().at(-1)!
  const find = (instruction: string) => steps.findLast((step) => step.instruction === instruction)!.text
  return {
    folder: find('WORKDIR'),
    environment: Object.fromEntries(
      find('ENV')
        .split(' ')
        .map((each) => each.split('=') as [string, string]),
    ),
    user: Number(find('USER').split(':')[0]),
    entrypoint: JSON.parse(find('ENTRYPOINT')),
    command: JSON.parse(find('CMD')),
    healthCheck: JSON.parse(/ CMD (.*)$/.exec(find('HEALTHCHECK'))![1]!),
    stopSignal: find('STOPSIGNAL') as NodeJS.Signals,
  }
}

/** Files that a build is given: those that `.dockerignore` leaves, of which the last line that fits decides. */
export function listContext(): string[] {
  const patterns = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const isLeft = (path: string) => {
    const places = path.split('/').map((_, at, names) => names.slice(0, at + 1).join('/'))
    const fits = (pattern: string) => places.some((place) => matchesGlob(undotted(place), undotted(pattern)))
    const last = patterns.findLast((pattern) => fits(pattern.replace(/^!/, '')))
    return !last || last.startsWith('!')
  }
  const exclude = (path: string) => /^(?:\.git|\.podo|node_modules)$/.test(path)
  return globSync('**/{*,.*}', { cwd: root, exclude }).filter(
    (path) => isLeft(path) && statSync(join(root, path)).isFile(),
  )
}

/** To Docker, names that begin with a dot are like others. */
function undotted(path: string): string {
  return path.replaceAll(/(^|\/)\./g, '$1dot-')
}

/**
 * Carries out COPY and RUN of all stages, each in a folder of its own under `folder` that stands for its `/`; answers
 * that of the last. Of the images that they are built on there is nothing, so RUN finds the programs of this machine.
 */
export function buildImage(folder: string): string {
  const context = join(folder, 'context')
  for (const path of listContext()) {
    mkdirSync(join(context, dirname(path)), { recursive: true })
    cpSync(join(root, path), join(context, path))
  }
  const stages = new Map<string, string>()
  let image = ''
  for (const [at, { name, steps }] of readDockerfile().entries()) {
    image = join(folder, `stage-${at}`)
    if (name) stages.set(name, image)
    let place = '/'
    for (const { instruction, text } of steps) {
      if (instruction === 'WORKDIR') place = posix.resolve(place, text)
      mkdirSync(join(image, place), { recursive: true })
      const here = join(image, place)
      if (instruction === 'RUN') run(text, here)
      if (instruction === 'COPY') copy(text, (from) => (from ? stages.get(from)! : context), { image, place })
    }
  }
  return image
}

/** What npm has fetched before, it does not fetch again. */
function run(text: string, cwd: string): void {
  const env = { ...process.env, npm_config_prefer_offline: 'true', npm_config_loglevel: 'error' }
  execFileSync('sh', ['-ec', text], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] })
}

function copy(text: string, rootOf: (stage?: string) => string, { image, place }: { image: string; place: string }) {
  const [, from, files] = /^(?:--from=(\S+) )?([^-].*)$/.exec(text)!
  const names = files!.split(' ')
  const target = names.pop()!
  const isFolder = names.length > 1 || /(?:^|\/)\.?$/.test(target)
  for (const name of names) {
    const source = join(rootOf(from), name)
    const to = join(image, posix.resolve(place, target))
    const isFile = statSync(source).isFile()
    mkdirSync(isFile && !isFolder ? dirname(to) : to, { recursive: true })
    cpSync(source, isFile && isFolder ? join(to, basename(name)) : to, { recursive: true, verbatimSymlinks: true })
  }
}
