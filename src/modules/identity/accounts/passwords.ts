import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { unavailable } from '#platform/http-problems'

/** Hashes passwords by argon2id, a few at a time, so that a flood of sign-ins leaves the machine to the rest. */
export interface Passwords {
  /** A PHC string that holds salt and parameters. Throws that too much is waiting. */
  hash(password: string): Promise<string>
  /** Whether it is the password of this hash. Without a hash it never is, and that takes as long. Throws as above. */
  isRight(password: string, hash: string | null): Promise<boolean>
  /** Whether a hash was made with other parameters than today's. */
  isOutdated(hash: string): boolean
}

/** What a hash costs: KiB of memory, and passes over it in so many lanes. */
export interface PasswordCost {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
const costOfToday: PasswordCost = { memory: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const tagBytes = 32
const halfOfProcessors = Math.max(1, Math.floor(availableParallelism() / 2))

/** How long whoever waits for a turn may have waited: then more are refused. */
const ageMsMax = 5_000

/** So many are hashed at once, others wait for their turn, and where too many wait, or too long, more are refused. */
export function openPasswords({
  threads = halfOfProcessors,
  waitingMax = 256,
  cost = costOfToday,
  now = () => performance.now(),
}: {
  threads?: number
  waitingMax?: number
  cost?: PasswordCost | undefined
  /** Milliseconds that only grow. */
  now?: () => number
} = {}): Passwords {
  const inTurn = takeTurns({ threads, waitingMax, now })
  const dummy = derive('', { salt: randomBytes(saltBytes), ...cost }).then(toPhc)
  return {
    hash: (password) => inTurn(async () => toPhc(await derive(password, { salt: randomBytes(saltBytes), ...cost }))),
    isRight: (password, hash) =>
      inTurn(async () => {
        const known = fromPhc(hash ?? (await dummy))
        const { tag } = await derive(password, known)
        return timingSafeEqual(tag, known.tag) && hash !== null
      }),
    isOutdated(hash) {
      const { memory, passes, parallelism } = fromPhc(hash)
      return memory !== cost.memory || passes !== cost.passes || parallelism !== cost.parallelism
    },
  }
}

interface Parameters extends PasswordCost {
  readonly salt: Buffer
}

interface Hashed extends Parameters {
  readonly tag: Buffer
}

const argon2Async = promisify(argon2)

/** The same characters typed on another keyboard are the same password (NIST SP 800-63B: normalised before hashing). */
async function derive(password: string, { salt, memory, passes, parallelism }: Parameters): Promise<Hashed> {
  const message = password.normalize('NFKC')
  const tag = await argon2Async('argon2id', { message, nonce: salt, memory, passes, parallelism, tagLength: tagBytes })
  return { salt, memory, passes, parallelism, tag }
}

function toPhc({ salt, memory, passes, parallelism, tag }: Hashed): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${toBase64(salt)}$${toBase64(tag)}`
}

function fromPhc(text: string): Hashed {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(text)
  if (!match) throw new Error('a stored hash of a password is none')
  const [, memory, passes, parallelism, salt, tag] = match as unknown as [string, ...string[]]
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt!, 'base64'),
    tag: Buffer.from(tag!, 'base64'),
  }
}

function toBase64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

/** Runs so many at a time, the others in the order in which they came. */
function takeTurns(by: {
  threads: number
  waitingMax: number
  now(): number
}): <Value>(run: () => Promise<Value>) => Promise<Value> {
  const waiting: { readonly since: number; readonly begin: () => void }[] = []
  let running = 0
  return async (run) => {
    if (running < by.threads) running += 1
    else {
      const since = by.now()
      const [oldest] = waiting
      if (waiting.length >= by.waitingMax || (oldest && since - oldest.since > ageMsMax)) throw unavailable()
      // Whoever ends hands the turn on, so `running` stays as it is.
      await new Promise<void>((begin) => waiting.push({ since, begin }))
    }
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next) next.begin()
      else running -= 1
    }
  }
}
