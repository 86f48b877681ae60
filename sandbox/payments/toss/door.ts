import { openAnswers } from '../answers.ts'
import { type Call, type Floor, Refused } from '../floor.ts'
import type { Answer } from '../sockets.ts'
import { codesOf, refuse } from './errors.ts'

/** Whom the stand-in knows, by a pair of keys. */
export interface Merchant {
  readonly mId: string
  readonly clientKey: string
  readonly secretKey: string
}

/** What is behind the door. */
export type Run = (call: Call) => Answer | Promise<Answer>

const keptMs = 15 * 86_400_000
const keyLengthMax = 300

/** Lets calls in: credentials, test code, idempotency key, in this order, and only then what was asked. */
export function openDoor(
  floor: Floor,
  { merchant, rejectsOtherBody }: { merchant: Merchant; rejectsOtherBody: boolean },
): (name: string, run: Run) => Run {
  const answers = openAnswers({ ...floor, keptMs })
  return (name, run) => async (call) => {
    assertKnown(call, merchant)
    const testCode = call.headers['tosspayments-test-code']
    if (testCode !== undefined && merchant.secretKey.startsWith('test_')) {
      throw new Refused(codesOf(name).includes(String(testCode)) ? String(testCode) : 'INVALID_TEST_CODE')
    }
    const given = call.headers['idempotency-key']
    if (given === undefined || call.method === 'GET') return run(call)
    if (given.length > keyLengthMax) throw new Refused('INVALID_IDEMPOTENCY_KEY')
    const tuple = JSON.stringify([given, merchant.secretKey, call.path, call.method])
    const before = answers.begin(tuple, call.text)
    if (before === 'busy') throw new Refused('IDEMPOTENT_REQUEST_PROCESSING')
    if (before) {
      if (rejectsOtherBody && !before.isSame) throw new Refused('INVALID_REQUEST')
      return before.answer
    }
    try {
      const answer = await answerOf(run, call)
      answers.complete(tuple, answer)
      return answer
    } catch (error) {
      answers.forget(tuple)
      throw error
    }
  }
}

/** A refusal is an answer too, and kept like one. */
async function answerOf(run: Run, call: Call): Promise<Answer> {
  try {
    return await run(call)
  } catch (error) {
    if (error instanceof Refused) return refuse(error.code, call.language)
    throw error
  }
}

/** The secret key as the user, and no password; a byte order mark in front of it is a mistake that people make. */
function assertKnown({ headers }: Call, { clientKey, secretKey }: Merchant): void {
  const { authorization } = headers
  if (authorization === undefined) throw new Refused('UNAUTHORIZED_KEY')
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1] ?? ''
  const decoded = Buffer.from(encoded, 'base64').toString()
  if (encoded.startsWith('77u/') || !decoded.endsWith(':')) throw new Refused('INCORRECT_BASIC_AUTH_FORMAT')
  if (decoded === `${clientKey}:`) throw new Refused('INVALID_API_KEY')
  if (decoded !== `${secretKey}:`) throw new Refused('UNAUTHORIZED_KEY')
}
