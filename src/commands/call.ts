import { type ArgDef, type ArgsDef, type CommandDef, parseArgs, runCommand } from 'citty'
import type { Text } from '#platform/problem'
import { StartProblem } from '#platform/start-problem'
import { watchOutput } from './output.ts'
import { renderUsage, resolve } from './usage.ts'

/** The command that somebody means. */
interface Call {
  readonly command: CommandDef
  /** How it is called, from `podo` on. */
  readonly path: readonly string[]
  readonly subCommands: Readonly<Record<string, unknown>> | undefined
  readonly args: ArgsDef
  /** What it is given. */
  readonly rest: readonly string[]
}

/**
 * Runs what is called, or shows its usage where that is asked for. Throws a StartProblem with the usage for what it
 * does not take and for what is missing: nothing that somebody meant to say is passed over.
 */
export async function call(podo: CommandDef, given: readonly string[]): Promise<void> {
  const called = await findCalled(podo, given, [])
  const { command, path, rest } = called
  const asksFor = (...names: string[]) => given.some((text) => names.includes(text))
  if (asksFor('--help', '-h')) return print(await renderUsage(command, path))
  if (path.length === 1 && rest.length === 1 && asksFor('--version', '-v')) {
    return print((await resolve(command.meta))?.version ?? '')
  }
  const mistake = findMistake(called)
  if (mistake) {
    const usage = await renderUsage(command, path)
    throw new StartProblem({ ko: `${mistake.ko}\n\n${usage}`, en: `${mistake.en}\n\n${usage}` })
  }
  await runCommand(command, { rawArgs: [...rest] })
}

async function findCalled(command: CommandDef, given: readonly string[], parents: readonly string[]): Promise<Call> {
  const { name = 'podo' } = (await resolve(command.meta)) ?? {}
  const path = [...parents, name]
  const [first = '', ...rest] = given
  const subCommands = await resolve(command.subCommands)
  if (subCommands && Object.hasOwn(subCommands, first)) {
    return findCalled((await resolve(subCommands[first])) as CommandDef, rest, path)
  }
  return { command, path, subCommands, args: (await resolve(command.args)) ?? {}, rest: given }
}

function findMistake({ subCommands, args, rest }: Call): Text | null {
  if (subCommands) return findWrongCommand(rest)
  const given = parse(args, rest)
  const unknown = findUnknown(args, { given, rest })
  if (unknown.length > 0) return texts.unknown(unknown)
  for (const [name, definition] of Object.entries(args)) {
    const value = given[name]
    if (definition.required && value === undefined) return texts.missing(toShown(name, definition))
    const { options } = definition as { options?: readonly string[] }
    if (options && value !== undefined && !options.includes(String(value))) return texts.choice({ name, options })
  }
  return null
}

function findWrongCommand([first]: readonly string[]): Text {
  if (first === undefined) return texts.noCommand
  return first.startsWith('-') ? texts.unknown([first]) : texts.unknownCommand(first)
}

function findUnknown(args: ArgsDef, { given, rest }: { given: Given; rest: readonly string[] }): string[] {
  const names = new Set(Object.keys(args).flatMap((name) => [name, toCamelCase(name)]))
  const options = Object.keys(given).filter((name) => name !== '_' && !names.has(name))
  const places = Object.values(args).filter((definition) => definition.type === 'positional').length
  // --apply=no would count as --apply.
  const switches = rest.filter((text) => isSwitch(args[/^--([^=]+)=/.exec(text)?.[1] ?? '']))
  return [
    ...options.map((name) => (name.length === 1 ? `-${name}` : `--${name}`)),
    ...switches,
    ...given._.slice(places),
  ]
}

type Given = { readonly _: readonly string[]; readonly [name: string]: unknown }

function parse(args: ArgsDef, rest: readonly string[]): Given {
  // What is missing or no choice would hide what is too much.
  const lenient = Object.entries(args).map(([name, definition]) => {
    const type = definition.type === 'enum' ? 'string' : definition.type
    return [name, { ...definition, type, required: false }]
  })
  return parseArgs([...rest], Object.fromEntries(lenient))
}

function isSwitch(definition: ArgDef | undefined): boolean {
  return definition?.type === 'boolean'
}

function toShown(name: string, { type }: ArgDef): string {
  return type === 'positional' ? name.toUpperCase() : `--${name}`
}

function toCamelCase(name: string): string {
  return name.replace(/-(\w)/g, (_whole, letter: string) => letter.toUpperCase())
}

function print(text: string): void {
  watchOutput()
  console.log(text)
}

const texts = {
  unknown: (given: readonly string[]): Text => ({
    ko: `알 수 없는 옵션이나 인수가 있습니다: ${given.join(', ')}. 아래 사용법에 따라 고친 뒤 다시 실행하십시오.`,
    en: `There is no such option or argument: ${given.join(', ')}. Correct it by the usage below and run this again.`,
  }),
  unknownCommand: (given: string): Text => ({
    ko: `알 수 없는 명령입니다: ${given}. 아래에서 골라 다시 실행하십시오.`,
    en: `There is no such command: ${given}. Choose one of these and run this again.`,
  }),
  noCommand: { ko: '실행할 명령을 골라 주십시오.', en: 'Choose a command.' },
  missing: (name: string): Text => ({
    ko: `빠진 것이 있습니다: ${name}. 아래 사용법에 따라 넣은 뒤 다시 실행하십시오.`,
    en: `This is missing: ${name}. Give it as the usage below says and run this again.`,
  }),
  choice: ({ name, options }: { name: string; options: readonly string[] }): Text => ({
    ko: `--${name}에 쓸 수 있는 값은 다음과 같습니다: ${options.join(', ')}.`,
    en: `--${name} takes one of these: ${options.join(', ')}.`,
  }),
}
