import type { Static, TObject } from 'typebox'
import { type Prefix, prefixes } from '../ids.ts'
import type { Text } from '../problem.ts'

/** A type of event: what it tells, and of what. What its data holds is only ever added to: else it is another type. */
export interface EventKind<Data extends TObject = TObject> {
  /** `room.happened`, like `points.spent`. */
  readonly type: string
  readonly description: Text
  /** What its keys are, as ids that callers see. */
  readonly key: Prefix
  readonly data: Data
}

/** What an event of a kind tells. */
export type EventData<Kind extends EventKind> = Static<Kind['data']>

/** Declares the events of a room; the type of each is `<room>.<name in kebab case>`. */
export function defineEvents<const Kinds extends Readonly<Record<string, Omit<EventKind, 'type'>>>>(
  room: string,
  kinds: Kinds,
): { readonly [Name in keyof Kinds]: EventKind<Kinds[Name]['data']> } {
  const entries = Object.entries(kinds).map(([name, kind]) => {
    const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    return [name, Object.freeze({ type: `${room}.${kebab}`, ...kind })]
  })
  return Object.freeze(Object.fromEntries(entries))
}

/** Of every schema that there is: a type whose data changes otherwise than by being added to is another type. */
const version = 1

/** Where the schema of a type's data is served, under the origin of the service. */
export function schemaPath({ type }: Pick<EventKind, 'type'>): string {
  return `/events/${type}.v${version}.json`
}

/** The JSON Schema (2020-12) of what events of a kind tell: other members may stand beside those that it names. */
export function dataSchemaOf({ type, description, key, data }: EventKind): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: type,
    description: `${description.en} The subject is the id of a ${prefixes[key]}.`,
    ...data,
  }
}
