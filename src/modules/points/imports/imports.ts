import { createHash } from 'node:crypto'
import { createCompanyMembers } from '#modules/companies'
import { findMembersByExternalId, identityProblems, type Member } from '#modules/identity'
import { amountMax, type LedgerLane, type LedgerOutcome } from '#modules/ledger'
import { findProgrammeTime } from '#platform/clock'
import { failureOf, type Sql } from '#platform/database'
import { findAnswers, type IdempotencyKey, idempotencyKey, insertAnswers, isKeyConflict } from '#platform/idempotency'
import { Problem, type Text } from '#platform/problem'
import type { Actor, WithWork, Work } from '#platform/work'
import { type CsvRecord, type Encoding, findEncoding, readCsv } from './csv.ts'
import { countDistinct } from './distinct-count.ts'
import { canonicalLine, type ImportMistake, lineReader, lineTexts, type OpeningLine, readHeader } from './rules.ts'

/** What an import stands on. */
export interface Importing {
  readonly reads: { readonly sql: Sql }
  readonly withWork: WithWork
  readonly lane: LedgerLane
}

/** A file of opening balances, and how it is meant. */
export interface OpeningFile {
  readonly path: string
  /** UUID of a company that exists. */
  readonly companyId: string
  /** Makes members whom the company has not made yet; otherwise a line of such a member is a mistake. */
  readonly createMembers: boolean
  /** Where the days begin that the file names. */
  readonly timeZone: string
  /** Called as the file is read; bytes count from its beginning. */
  readonly onProgress?: (progress: { bytesRead: number; lines: number }) => void
}

/** What a file holds; points are whole. */
export interface ImportCheck {
  /** Null when the file is no text that can be read. */
  readonly encoding: Encoding | null
  readonly lines: number
  /** Lines with a mistake, those that have only expired among them. */
  readonly badLines: number
  readonly expiredLines: number
  readonly points: { readonly paid: bigint; readonly bonus: bigint }
  readonly members: number
  /** Digest of what the lines say, whatever the file is called and however it is written. */
  readonly digest: string
  /** Digests of each thousand lines. */
  readonly blockDigests: readonly string[]
}

/** What became of an import. */
export type ImportResult =
  | { readonly status: 'applied'; readonly written: number; readonly replayed: number; readonly refused: number }
  /** Under this name another file was applied. Nothing was written. */
  | { readonly status: 'otherFile' }
  /** The file is no longer what was checked; whole blocks before the change were written. */
  | { readonly status: 'changed' }

const operator: Actor = { type: 'operator', id: null }
const blockSize = 1_000
/** Blocks that may be on their way to the ledger: one is being decided, one waits, one is being read. */
const blocksAhead = 2
const attemptsMax = 5

/** Reads a whole file and tells every mistake in it; nothing is written. Memory does not grow with its lines. */
export async function checkImport(
  importing: Importing,
  input: OpeningFile & { onMistake: (mistake: ImportMistake) => void },
): Promise<ImportCheck> {
  const encoding = await findEncoding(input.path)
  const points = { paid: 0n, bonus: 0n }
  const counts = { lines: 0, badLines: 0, expiredLines: 0 }
  const members = countDistinct()
  const blockDigests: string[] = []
  let isTooMuch = false
  if (encoding) {
    for await (const block of readBlocks(importing, { ...input, encoding })) {
      const mistakes = [...block.mistakes, ...(await findStrangers(importing, input, block.lines))]
      for (const { externalId, class: kind, amount } of block.lines) {
        points[kind] += BigInt(amount)
        members.add(externalId)
      }
      if (!isTooMuch && points.paid + points.bonus > BigInt(amountMax)) {
        isTooMuch = true
        mistakes.push({ line: block.lines.at(-1)!.line, text: tooManyPoints })
      }
      const bad = new Set(mistakes.map(({ line }) => line))
      const wrong = new Set(mistakes.flatMap(({ line, text }) => (text === lineTexts.expired ? [] : line)))
      for (const mistake of mistakes.toSorted((one, other) => one.line - other.line)) input.onMistake(mistake)
      counts.lines += block.size
      counts.badLines += bad.size
      counts.expiredLines += bad.size - wrong.size
      blockDigests.push(block.digest)
    }
  }
  return { encoding, ...counts, points, members: members.count, digest: digestOf(blockDigests), blockDigests }
}

/** Whether an import of this file under this name has begun: what it wrote stays, and the rest may still come. */
export async function findImport(
  importing: Importing,
  input: { companyId: string; name: string; digest: string },
): Promise<'none' | 'begun' | 'otherFile'> {
  const key = nameKey(input)
  const [found] = await importing.withWork(operator, (work) => findAnswers(work, [key.digest]))
  return !found ? 'none' : found.requestHash === key.requestHash ? 'begun' : 'otherFile'
}

/**
 * Writes a file that was checked, one lot for each line, a thousand lines at a time. A line has one effect, however
 * often this runs and wherever it was stopped; the company has one file under each name.
 */
export async function applyImport(
  importing: Importing,
  input: OpeningFile & {
    name: string
    check: ImportCheck
    onRefusal: (refusal: ImportMistake) => void
  },
): Promise<ImportResult> {
  const { companyId, check, name } = input
  if (!(await claimName(importing, { companyId, name, digest: check.digest }))) return { status: 'otherFile' }
  const result = { status: 'applied' as const, written: 0, replayed: 0, refused: 0 }
  const underWay: Promise<void>[] = []
  let number = 0
  try {
    for await (const block of readBlocks(importing, { ...input, encoding: check.encoding! })) {
      if (block.digest !== check.blockDigests[number / blockSize]) return { status: 'changed' }
      const wallets = await findWallets(importing, input, block.lines)
      const booked = book(block.lines, number, wallets)
      // Whoever awaits it hears of it; until then it must not count as unheard of.
      booked.catch(() => {})
      underWay.push(booked)
      number += block.size
      if (underWay.length > blocksAhead) await underWay.shift()
    }
  } finally {
    await Promise.allSettled(underWay)
  }
  await Promise.all(underWay)
  return number === check.lines ? result : { status: 'changed' }

  async function book(lines: readonly OpeningLine[], before: number, wallets: ReadonlyMap<string, string>) {
    const outcomes = await Promise.allSettled(
      lines.map((line, at) =>
        importing.lane.submit(toCharge(line, { ...input, wallets, number: before + at + 1, digest: check.digest })),
      ),
    )
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') throw outcome.reason
      if (outcome.value.status === 'refused') {
        result.refused += 1
        input.onRefusal({ line: lines[at]!.line, text: refusalOf(outcome.value) })
      } else if (outcome.value.status === 'done' && outcome.value.replayed) result.replayed += 1
      else result.written += 1
    }
  }
}

interface Block {
  /** Those that can be written, and those that could be if they had not expired. */
  readonly lines: readonly OpeningLine[]
  /** All of them. */
  readonly size: number
  readonly mistakes: readonly ImportMistake[]
  readonly digest: string
}

async function* readBlocks(
  importing: Importing,
  input: OpeningFile & { encoding: Encoding },
): AsyncGenerator<Block, void> {
  const now = await findProgrammeTime(importing.reads)
  let read: ReturnType<typeof lineReader> | null = null
  let records: CsvRecord[] = []
  let lines = 0
  for await (const stretch of readCsv(input.path, input.encoding)) {
    for (const record of stretch.records) {
      if (!read) {
        const header = readHeader(record, input)
        if (Array.isArray(header)) return yield { ...noLines, mistakes: header }
        read = lineReader({ header, now, timeZone: input.timeZone })
        continue
      }
      records.push(record)
      if (records.length < blockSize) continue
      yield readBlock(records, read)
      lines += records.length
      records = []
    }
    input.onProgress?.({ bytesRead: stretch.bytesRead, lines: lines + records.length })
  }
  if (!read) return yield { ...noLines, mistakes: [{ line: 1, text: emptyFile }] }
  if (records.length > 0) yield readBlock(records, read)
}

const noLines = { lines: [], size: 0, digest: '' }

function readBlock(records: readonly CsvRecord[], read: ReturnType<typeof lineReader>): Block {
  const readings = records.map(read)
  const lines = readings.flatMap(({ line }) => line ?? [])
  const digest = digestOf(lines.map(canonicalLine))
  return { lines, size: records.length, mistakes: readings.flatMap(({ mistakes }) => mistakes), digest }
}

function digestOf(texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\n')).digest('base64url')
}

function nameKey({ companyId, name, digest }: { companyId: string; name: string; digest: string }): IdempotencyKey {
  // A line feed is in no key that a caller may send, so that none of theirs is ever one of these.
  const key = `import\n${companyId}\n${name}`
  return idempotencyKey(operator, { key, method: 'IMPORT', path: name, body: digest })
}

/** Gives the name to this file for ever; false when another file has it. */
async function claimName(importing: Importing, input: { companyId: string; name: string; digest: string }) {
  const key = nameKey(input)
  return retried(() =>
    importing.withWork(operator, async (work) => {
      const [found] = await findAnswers(work, [key.digest])
      if (!found) insertAnswers(work, [{ ...key, status: 200, answer: JSON.stringify([1, input.digest]) }])
      return !found || found.requestHash === key.requestHash
    }),
  )
}

type MemberQuery = Pick<OpeningFile, 'companyId' | 'createMembers'>

async function findKnown(
  { reads }: { reads: { readonly sql: Sql } },
  { companyId }: MemberQuery,
  lines: readonly OpeningLine[],
): Promise<Map<string, Member>> {
  const externalIds = [...new Set(lines.map((line) => line.externalId))]
  const members = await findMembersByExternalId(reads, { companyId, externalIds })
  return new Map(members.map((member) => [member.externalId!, member]))
}

/** A mistake for each line whose member the company has not made, where none may be made. */
async function findStrangers(importing: Importing, input: MemberQuery, lines: readonly OpeningLine[]) {
  if (input.createMembers || lines.length === 0) return []
  const known = await findKnown(importing, input, lines)
  const strangers = lines.filter(({ externalId }) => !known.has(externalId))
  return strangers.map(({ line }): ImportMistake => ({ line, text: unknownMember }))
}

/** Wallets of the members whom the lines name, made first where they are missing and may be made. */
async function findWallets(importing: Importing, input: MemberQuery, lines: readonly OpeningLine[]) {
  const known = await findKnown(importing, input, lines)
  const strangers = lines.filter(({ externalId }) => !known.has(externalId))
  // From the last to the first, so that of a member's lines the first one stays.
  const missing = new Map(strangers.toReversed().map((line) => [line.externalId, line]))
  const made =
    missing.size === 0 ? new Map<string, Member>() : await makeMembers(importing, input, [...missing.values()])
  return new Map([...known, ...made].map(([externalId, member]) => [externalId, member.walletId]))
}

async function makeMembers(importing: Importing, input: MemberQuery, lines: readonly OpeningLine[]) {
  if (!input.createMembers) throw new Error('a member was removed between the check and the writing')
  const make = async (work: Work) => {
    // Somebody else may have made them since: another import of the same company, or the company itself.
    const known = await findKnown({ reads: work }, input, lines)
    const missing = lines.filter((line) => !known.has(line.externalId))
    const members = missing.map(({ externalId, nickname }) => ({
      email: null,
      externalId,
      nickname: nickname ?? Array.from(externalId).slice(0, 50).join(''),
    }))
    const made = await createCompanyMembers(work, { companyId: input.companyId, members })
    return new Map<string, Member>([...known, ...made.map((member) => [member.externalId!, member] as const)])
  }
  return retried(() => importing.withWork(operator, make))
}

async function retried<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run()
    } catch (error) {
      if (attempt === attemptsMax || !mayPass(error)) throw error
    }
  }
}

/** Whether somebody else was there first, so that the next attempt finds what they made. */
function mayPass(error: unknown): boolean {
  const isTaken = error instanceof Problem && error.kind === identityProblems.externalIdTaken
  return isTaken || isKeyConflict(error) || failureOf(error) === 'retry'
}

function toCharge(
  line: OpeningLine,
  it: { companyId: string; name: string; wallets: ReadonlyMap<string, string>; number: number; digest: string },
) {
  // By what the file says and not by its name: the same lines under two names are the same points.
  const key = `import\n${it.companyId}\n${it.digest}\n${it.number}`
  return {
    kind: 'charge' as const,
    key: idempotencyKey(operator, { key, method: 'IMPORT', path: it.companyId, body: canonicalLine(line) }),
    actor: operator,
    walletId: it.wallets.get(line.externalId)!,
    class: line.class,
    amount: line.amount,
    issuedAt: line.issuedAt,
    expiresAt: line.expiresAt,
    paymentId: null,
    memberId: null,
    reason: line.reason,
    reference: `${it.name}:${it.number}`,
    metadata: null,
  }
}

function refusalOf({ problem }: Extract<LedgerOutcome, { status: 'refused' }>): Text {
  return problem.kind.title
}

const unknownMember: Text = {
  ko: 'memberExternalId: 이 회사에 이 ID를 가진 회원이 없습니다.',
  en: 'memberExternalId: the company has no member of this id.',
}
const tooManyPoints: Text = {
  ko: `파일의 포인트를 모두 더하면 ${amountMax}을 넘습니다. 파일을 나누어 주십시오.`,
  en: `The points of the file pass ${amountMax} in all. Divide the file.`,
}
const emptyFile: Text = { ko: '파일이 비어 있습니다.', en: 'The file is empty.' }
