import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const secretStart = 'whsec_'
const secretBytes = 32
const toleranceSeconds = 300

/** What a receiver tells by who sent something: `whsec_` and 32 random bytes in base64. */
export function makeSecret(): string {
  return `${secretStart}${randomBytes(secretBytes).toString('base64')}`
}

/** What is sent: `timestamp` is that of the attempt, in seconds since 1970. */
export interface SignedMessage {
  readonly id: string
  readonly timestamp: number
  readonly body: string
}

/** The headers of a message, with a signature for each secret (Standard Webhooks 1.0.0). */
export function signMessage(message: SignedMessage, secrets: readonly string[]): Record<string, string> {
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestamp),
    'webhook-signature': secrets.map((secret) => `v1,${macOf(message, secret).toString('base64')}`).join(' '),
  }
}

/** Whether a message was signed with this secret, not more than five minutes from `nowMs`; unknown versions are passed over. */
export function isSigned(
  { headers, body, nowMs }: { headers: NodeJS.Dict<string | string[]>; body: string; nowMs: number },
  secret: string,
): boolean {
  const timestamp = Number(headers['webhook-timestamp'])
  if (!(Math.abs(nowMs / 1_000 - timestamp) <= toleranceSeconds)) return false
  const expected = macOf({ id: String(headers['webhook-id']), timestamp, body }, secret)
  return String(headers['webhook-signature'])
    .split(' ')
    .some((signature) => {
      const [version, text = ''] = signature.split(',')
      const given = Buffer.from(text, 'base64')
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
    })
}

/** The key is what the text after the prefix stands for, not the text itself. */
function macOf({ id, timestamp, body }: SignedMessage, secret: string): Buffer {
  const key = Buffer.from(secret.slice(secretStart.length), 'base64')
  return createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
}
