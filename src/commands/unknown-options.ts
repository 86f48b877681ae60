import { type ArgDef, type ArgsDef, type CommandDef, parseArgs, renderUsage } from 'citty'
import { StartProblem } from '#platform/start-problem'

/**
 * Throws a StartProblem, with the usage of the command that was called, when `given` has an option or an argument that
 * it does not take: what somebody meant to say is never passed over. Whatever else is wrong is left to citty.
 */
export async function refuseUnknownOptions(command: CommandDef, given: readonly string[], parents: string[] = []) {
  if (given.some((text) => text === '--help' || text === '-h')) return
  const { name = 'podo' } = (await resolve(command.meta)) ?? {}
  const subCommands = await resolve(command.subCommands)
  if (!subCommands) {
    const unknown = findUnknown((await resolve(command.args)) ?? {}, given)
    if (unknown.length > 0) throw await problemOf(command, parents, unknown)
    return
  }
  const [first = '', ...rest] = given
  const isVersion = parents.length === 0 && rest.length === 0 && (first === '--version' || first === '-v')
  if (first.startsWith('-') && !isVersion) throw await problemOf(command, parents, [first])
  const called = Object.hasOwn(subCommands, first) ? await resolve(subCommands[first]) : undefined
  if (called) await refuseUnknownOptions(called, rest, [...parents, name])
}

async function resolve<T>(value: T | Promise<T> | (() => T | Promise<T>)): Promise<T> {
  return typeof value === 'function' ? (value as () => T | Promise<T>)() : value
}

function findUnknown(args: ArgsDef, given: readonly string[]): string[] {
  const names = new Set(Object.keys(args).flatMap((name) => [name, toCamelCase(name)]))
  const parsed = parse(args, given)
  const options = Object.keys(parsed).filter((name) => name !== '_' && !names.has(name))
  const places = Object.values(args).filter((definition) => definition.type === 'positional').length
  // --apply=no would count as --apply.
  const switches = given.filter((text) => isSwitch(args[/^--([^=]+)=/.exec(text)?.[1] ?? '']))
  return [
    ...options.map((name) => (name.length === 1 ? `-${name}` : `--${name}`)),
    ...switches,
    ...parsed._.slice(places),
  ]
}

function parse(args: ArgsDef, given: readonly string[]): { _: string[] } {
  // What is missing is another's to say, and would hide what is too much.
  const lenient = Object.entries(args).map(([name, definition]) => [name, { ...definition, required: false }])
  try {
    return parseArgs([...given], Object.fromEntries(lenient))
  } catch {
    return { _: [] }
  }
}

function isSwitch(definition: ArgDef | undefined): boolean {
  return definition?.type === 'boolean'
}

function toCamelCase(name: string): string {
  return name.replace(/-(\w)/g, (_whole, letter: string) => letter.toUpperCase())
}

async function problemOf(command: CommandDef, parents: readonly string[], unknown: readonly string[]) {
  const usage = await renderUsage(command, { meta: { name: parents.join(' ') } })
  const list = unknown.join(', ')
  return new StartProblem({
    ko: `알 수 없는 옵션이나 인수가 있습니다: ${list}. 아래 사용법에 따라 고친 뒤 다시 실행하십시오.\n\n${usage}`,
    en: `There is no such option or argument: ${list}. Correct it by the usage below and run this again.\n\n${usage}`,
  })
}
