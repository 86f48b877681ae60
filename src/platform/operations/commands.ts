import type { Sealing } from '../sealing.ts'
import type { Actor } from '../work.ts'
import type { Asked } from './operations.ts'

/** An operation as it waits, in the database or in a topic: nobody reads or makes one without the service's secret. */
export interface Command {
  readonly name: string
  /** UUID. */
  readonly id: string
  readonly orderKey: string
  readonly asked: Asked
}

/** What is written; a later version gets a reader of its own beside this one. */
type CommandV1 = [
  version: 1,
  name: string,
  id: string,
  orderKey: string,
  /** Nothing any more: everybody is asked for again when it is carried out. */
  unused: boolean,
  key: [digest: string, requestHash: string, text: string, isGiven: boolean],
  actor: [type: Actor['type'], id: string | null],
  credential: [scopes: readonly string[], isAdmin: boolean, id: string | null, address: string],
  request: [params: Asked['params'], body: unknown, requestId: string, language: Asked['language']],
]

const purpose = 'operation commands'

/** The command as it is kept. */
export function sealCommand(sealing: Sealing, { name, id, orderKey, asked }: Command): string {
  const { key, isKeyGiven, caller, params, body, requestId, language } = asked
  const written: CommandV1 = [
    1,
    name,
    id,
    orderKey,
    false,
    [key.digest, key.requestHash, key.text, isKeyGiven],
    [caller.actor.type, caller.actor.id],
    [caller.scopes, caller.isAdmin, caller.credentialId, caller.address],
    [params, body ?? null, requestId, language],
  ]
  return sealing.seal(purpose, JSON.stringify(written))
}

/** Null for what nobody wrote who has our secret, and for what a version wrote that is not known here. */
export function openCommand(sealing: Sealing, sealed: string): Command | null {
  const text = sealing.open(purpose, sealed)
  const written = text === null ? null : (JSON.parse(text) as CommandV1)
  if (written?.[0] !== 1) return null
  const [, name, id, orderKey, , key, actor, credential, request] = written
  const [digest, requestHash, keyText, isKeyGiven] = key
  const [scopes, isAdmin, credentialId, address] = credential
  const [params, body, requestId, language] = request
  const caller = { actor: { type: actor[0], id: actor[1] }, scopes, isAdmin, credentialId, address }
  const ofRequest = { params, body, requestId, language, isKeyGiven }
  const asked = { caller, key: { digest, requestHash, text: keyText }, ...ofRequest, isQueued: true }
  return { name, id, orderKey, asked }
}
