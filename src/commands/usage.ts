import type { ArgDef, CommandDef } from 'citty'
import { pad, widthOf, wrap } from '../terminal/columns.ts'
import { inTerminal } from './output.ts'

/** How a command is used, as lines for a terminal in its language; `path` is how it is called, from `podo` on. */
export async function renderUsage(command: CommandDef, path: readonly string[]): Promise<string> {
  const { description = '' } = (await resolve(command.meta)) ?? {}
  const args = Object.entries((await resolve(command.args)) ?? {})
  const places = args.filter(([, { type }]) => type === 'positional')
  const options = args.filter(([, { type }]) => type !== 'positional')
  const commands = await listCommands(command)
  const needed = options.filter(([, { required }]) => required).map(toSign)
  const sign = [
    path.join(' '),
    ...(options.length > needed.length ? [`[${inTerminal(texts.options)}]`] : []),
    ...places.map(([name, { required }]) => (required ? `<${name.toUpperCase()}>` : `[${name.toUpperCase()}]`)),
    ...needed,
    ...(commands.length > 0 ? [`<${inTerminal(texts.command)}>`] : []),
  ]
  return [
    ...wrap(description, widthMax()),
    '',
    `${inTerminal(texts.usage)}  ${sign.join(' ')}`,
    ...section(
      inTerminal(texts.arguments),
      places.map(([name, it]) => [name.toUpperCase(), describe(it)]),
    ),
    ...section(
      inTerminal(texts.options),
      options.map((option) => [toSign(option), describe(option[1])]),
    ),
    ...section(inTerminal(texts.commands), commands),
    ...(commands.length > 0 ? ['', inTerminal(texts.more(path.join(' ')))] : []),
    '',
  ].join('\n')
}

/** What citty takes for a value or for a function that makes it. */
export async function resolve<T>(value: T | Promise<T> | (() => T | Promise<T>)): Promise<T> {
  return typeof value === 'function' ? (value as () => T | Promise<T>)() : value
}

type Row = readonly [name: string, text: string]

/** Of each command its name and the first sentence about it. */
async function listCommands(command: CommandDef): Promise<Row[]> {
  const subCommands = Object.entries((await resolve(command.subCommands)) ?? {})
  return Promise.all(
    subCommands.map(async ([name, given]): Promise<Row> => {
      const { description = '' } = (await resolve((await resolve(given)).meta)) ?? {}
      return [name, description.split(/(?<=\.) /)[0]!]
    }),
  )
}

function section(title: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return []
  const width = Math.max(...rows.map(([name]) => widthOf(name)))
  const lines = rows.flatMap(([name, text]) =>
    wrap(text, widthMax() - width - 4).map((line, at) => `  ${pad(at === 0 ? name : '', width)}  ${line}`),
  )
  return ['', title, ...lines]
}

function toSign([name, definition]: readonly [string, ArgDef]): string {
  if (definition.type === 'boolean') return `--${name}`
  const { options } = definition as { options?: readonly string[] }
  return `--${name}=<${options?.join('|') ?? name}>`
}

function describe({ description = '', required, default: otherwise }: ArgDef): string {
  if (required) return `${description} ${inTerminal(texts.required)}`
  return typeof otherwise === 'string' ? `${description} ${inTerminal(texts.otherwise(otherwise))}` : description
}

/** Longer lines are hard to read, and in a pipe there is no width. */
function widthMax(): number {
  return Math.max(60, Math.min(100, process.stdout.columns ?? 100))
}

const texts = {
  usage: { ko: '사용법', en: 'USAGE' },
  arguments: { ko: '인수', en: 'ARGUMENTS' },
  options: { ko: '옵션', en: 'OPTIONS' },
  command: { ko: '명령', en: 'COMMAND' },
  commands: { ko: '명령', en: 'COMMANDS' },
  required: { ko: '(필수)', en: '(required)' },
  otherwise: (value: string) => ({ ko: `(기본값: ${value})`, en: `(default: ${value})` }),
  more: (path: string) => ({
    ko: `"${path} <명령> --help"로 명령마다 자세한 설명을 볼 수 있습니다.`,
    en: `"${path} <COMMAND> --help" tells more about each.`,
  }),
}
