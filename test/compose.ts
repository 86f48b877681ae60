import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from './architecture/sources.ts'

/** A service of compose.yaml, as far as the tests look at it. */
export interface Service {
  readonly image: string
  readonly build?: string
  readonly profiles?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly volumes?: readonly string[]
  readonly read_only: boolean
  readonly restart: string
  readonly cap_drop: readonly string[]
  readonly security_opt: readonly string[]
  readonly logging: { readonly options: Readonly<Record<string, string>> }
  readonly stop_grace_period?: string
  readonly deploy: { readonly resources: { readonly limits: Readonly<Record<'cpus' | 'memory' | 'pids', unknown>> } }
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly volumes: Readonly<Record<string, object>>
}

/** The text of compose.yaml with `${NAME:?why}` and `${NAME:-otherwise}` filled in; throws where a needed one is missing. */
export function readCompose(variables: NodeJS.Dict<string>): Compose {
  const filled = composeText.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name, mark, text) => {
    const value = variables[name] || (mark === '-' ? text : undefined)
    if (value === undefined) throw new Error(`${name} ${text}`)
    return value
  })
  return parse(filled, { merge: true })
}

export const composeText = readFileSync(join(root, 'compose.yaml'), 'utf8')

/** The settings that PostgreSQL's command gives it. */
export function settingsOf({ command }: Service): Record<string, string> {
  return Object.fromEntries(command!.slice(1).map((each) => /^-c(\w+)=(.*)$/.exec(each)!.slice(1) as [string, string]))
}
