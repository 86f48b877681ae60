import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventKinds } from '#catalogue'
import { dataSchemaOf, type EventKind, schemaPath } from '#platform/events/kinds'
import { prefixes } from '#platform/ids'
import { root } from '../architecture/sources.ts'
import type { GeneratedFile } from './files.ts'

/** Every type of event, in order. */
export const listedKinds = eventKinds.toSorted((a, b) => (a.type < b.type ? -1 : 1))

/** A schema for each type, and the page that lists them. */
export function generateEvents(): GeneratedFile[] {
  return [
    ...listedKinds.map((kind) => ({
      path: `docs${schemaPath(kind)}`,
      text: `${JSON.stringify(dataSchemaOf(kind), null, 2)}\n`,
    })),
    { path: 'docs/events.md', text: renderEventPage(listedKinds) },
  ]
}

function renderEventPage(kinds: readonly EventKind[]): string {
  const sections = kinds.map(
    (kind) =>
      `### \`${kind.type}\`\n\n- ${kind.description.en}\n- ${kind.description.ko}\n` +
      `- subject: \`${kind.key}_…\` (${prefixes[kind.key]}) · data: [schema](.${schemaPath(kind)})\n`,
  )
  return [introduction, ...sections].join('\n')
}

const introduction = `# Events

Every type of event that Podo tells, made from the code by \`npm run generate\`. Each comes in the envelope of
[CloudEvents 1.0](https://cloudevents.io); its \`dataschema\` names the schema of its \`data\`. The list only grows, and
so does each schema: members are added, none goes or changes its type. What is not known is to be passed over.
`

/** What a consumer may rely on in the data of a type: `type.v1 /place types`, `?` where it may be missing. */
export function listPlaces(kind: EventKind): string[] {
  const name = schemaPath(kind).slice('/events/'.length, -'.json'.length)
  return placesOf(kind.data as unknown as Schema, '').map((place) => `${name} ${place}`)
}

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
}

function placesOf({ type, properties = {}, required = [], items }: Schema, at: string): string[] {
  const own = at === '' ? [] : [`${at} ${[type ?? 'any'].flat().toSorted().join('|')}`]
  const inner = Object.entries(properties).flatMap(([name, schema]) =>
    placesOf(schema, `${at}/${name}${required.includes(name) ? '' : '?'}`),
  )
  return [...own, ...inner, ...(items ? placesOf(items, `${at}/*`) : [])]
}

/** Every place that was ever published; the list only grows. */
export async function readPublishedPlaces(): Promise<string[]> {
  return (await readFile(join(root, 'test', 'published-events.txt'), 'utf8')).trim().split('\n')
}
