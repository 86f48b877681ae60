import type { Static, TObject, TProperties } from 'typebox'
import Type from 'typebox'
import { amountMax, ledgerProblems as refusals } from '#modules/ledger'
import type { Audience, Caller } from '#platform/access'
import { toInstant } from '#platform/clock'
import { invalidRequest } from '#platform/http-problems'
import { closedObject, instant, oneOf, publicId } from '#platform/http-schema'
import type { IdempotencyKey } from '#platform/idempotency'
import { fromPublicId, type Prefix } from '#platform/ids'
import { type FieldError, Problem, type ProblemKind } from '#platform/problem'
import type { Instruction } from './points.ts'
import { pointsProblems } from './problems.ts'
import { rights } from './rights.ts'
import { paymentCode } from './schemas.ts'

/** Who asks, and under which key. */
export interface Asked {
  readonly key: IdempotencyKey
  readonly caller: Caller
  /** Nobody waits for the answer, who could mend the request. */
  readonly isFinal: boolean
}

/** Something that can be done with points: as a route of its own, and as an item of a batch. */
export interface Action {
  readonly operationId: string
  readonly summary: string
  readonly path: `/v1/${'wallets' | 'transfers' | 'holds'}/:id/${string}`
  /** What the id in the path names; an item of a batch has it as a field. */
  readonly target: Target
  readonly body: TObject
  readonly answer: { readonly status: 200 | 201; readonly shows: 'transfer' | 'hold' }
  readonly problems: readonly ProblemKind[]
  readonly access: readonly Audience[]
  /** Translates ids and instants of a body that fits the schema. Throws what is wrong with it, or that a scope is missing. */
  toInstruction(targetId: string, body: unknown, asked: Asked): Instruction
}

interface Target {
  readonly field: 'walletId' | 'transferId' | 'holdId'
  readonly prefix: Prefix
  readonly unknown: ProblemKind
}

const wallet: Target = { field: 'walletId', prefix: 'wlt', unknown: refusals.walletUnknown }
const transfer: Target = { field: 'transferId', prefix: 'trf', unknown: refusals.transferUnknown }
const hold: Target = { field: 'holdId', prefix: 'hld', unknown: refusals.holdUnknown }

const holdSecondsMax = 2_592_000
const holdSecondsDefault = 600
/** Seven days, as card authorisations last: the member who showed the code cannot release the hold. */
const codeHoldSecondsMax = 604_800
const textLengthMax = 200
const metadataBytesMax = 4_096
const metadataDepthMax = 5

const amount = Type.Integer({ minimum: 1, maximum: amountMax, examples: [1_000], description: 'Whole points.' })
const text = (description: string) => Type.String({ maxLength: textLengthMax, 'x-text': 'line', description })
const reason = Type.Optional(text('Shown in the statement.'))
const notes = {
  reason,
  reference: Type.Optional(text("The caller's own name for this, such as an order number.")),
  metadata: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: `Kept and answered as it is: at most ${metadataBytesMax} bytes of JSON, ${metadataDepthMax} levels.`,
    }),
  ),
}
const codeDescription =
  "What the wallet's member shows at a till: with it the key of any company spends there, once. It is used up by a " +
  'refusal too.'
const codeProblems = [pointsProblems.codeUnknown, pointsProblems.codeEnded, pointsProblems.codeNotCovered]
const spending = {
  amount,
  merchantId: Type.Optional(publicId('cmp')),
  memberId: Type.Optional(publicId('mem')),
  paymentCode: Type.Optional({ ...paymentCode, description: codeDescription }),
  ...notes,
}

/** Every action by the name of its kind. */
export const actions = {
  charge: action(
    { amount, class: oneOf(['paid', 'bonus']), expiresAt: Type.Optional(instant), ...notes },
    {
      access: rights.charge,
      operationId: 'chargeWallet',
      summary: 'Charge a wallet with paid or bonus points',
      path: '/v1/wallets/:id/charges',
      target: wallet,
      answer: { status: 201, shows: 'transfer' },
      problems: [refusals.walletUnknown, refusals.walletClosed, refusals.expiresInPast, refusals.balanceLimit],
      assertMay: assertSaysWhy,
      toInstruction: (walletId, body, asked) => ({
        kind: 'charge',
        walletId,
        class: body.class,
        amount: body.amount,
        expiresAt: body.expiresAt === undefined ? null : toInstant(body.expiresAt),
        ...toContext(body, asked),
      }),
    },
  ),
  spend: action(spending, {
    access: rights.spend,
    operationId: 'spendPoints',
    summary: 'Spend points of a wallet at a company',
    path: '/v1/wallets/:id/spends',
    target: wallet,
    answer: { status: 201, shows: 'transfer' },
    problems: [
      refusals.walletUnknown,
      refusals.merchantUnknown,
      pointsProblems.merchantRequired,
      pointsProblems.memberNotOfWallet,
      refusals.insufficientPoints,
      ...codeProblems,
    ],
    assertMay: assertMayPayByCode,
    toInstruction: (walletId, body, asked) => ({
      kind: 'spend',
      walletId,
      amount: body.amount,
      ...toMerchant(body, asked),
      ...toContext(body, asked),
    }),
  }),
  hold: action(
    {
      ...spending,
      expiresInSeconds: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: holdSecondsMax,
          default: holdSecondsDefault,
          description: `With a payment code ${codeHoldSecondsMax} (seven days) at most.`,
        }),
      ),
    },
    {
      access: rights.hold,
      operationId: 'holdPoints',
      summary: 'Set points of a wallet aside for a company',
      path: '/v1/wallets/:id/holds',
      target: wallet,
      answer: { status: 201, shows: 'hold' },
      problems: [
        refusals.walletUnknown,
        refusals.merchantUnknown,
        pointsProblems.merchantRequired,
        pointsProblems.memberNotOfWallet,
        refusals.insufficientPoints,
        ...codeProblems,
      ],
      assertMay: assertMayPayByCode,
      toInstruction: (walletId, body, asked) => ({
        kind: 'hold',
        walletId,
        amount: body.amount,
        ...toMerchant(body, asked),
        expiresInSeconds: body.expiresInSeconds ?? holdSecondsDefault,
        ...toContext(body, asked),
      }),
    },
  ),
  post: action(
    { amount: Type.Optional(amount) },
    {
      access: rights.post,
      operationId: 'postHold',
      summary: 'Carry a hold out, whole or in part; the rest is released',
      path: '/v1/holds/:id/post',
      target: hold,
      answer: { status: 200, shows: 'hold' },
      problems: [refusals.holdUnknown, refusals.holdNotPending, refusals.postTooLarge],
      toInstruction: (holdId, body, asked) => ({
        kind: 'post',
        holdId,
        amount: body.amount ?? null,
        ...toContext({}, asked),
      }),
    },
  ),
  void: action(
    {},
    {
      access: rights.void,
      operationId: 'voidHold',
      summary: 'Release a hold whole',
      path: '/v1/holds/:id/void',
      target: hold,
      answer: { status: 200, shows: 'hold' },
      problems: [refusals.holdUnknown, refusals.holdNotPending],
      toInstruction: (holdId, body, asked) => ({ kind: 'void', holdId, ...toContext(body, asked) }),
    },
  ),
  refund: action(
    { amount: Type.Optional(amount), reason },
    {
      access: rights.refund,
      operationId: 'refundTransfer',
      summary:
        'Refund a spend to the very lots it came from, all that is left without an amount; nobody does what they paid themselves',
      path: '/v1/transfers/:id/refunds',
      target: transfer,
      answer: { status: 201, shows: 'transfer' },
      problems: [
        refusals.transferUnknown,
        refusals.notRefundable,
        refusals.refundTooLarge,
        refusals.walletClosed,
        refusals.balanceLimit,
      ],
      toInstruction: (transferId, body, asked) => ({
        kind: 'refund',
        transferId,
        amount: body.amount ?? null,
        ...toContext(body, asked),
      }),
    },
  ),
  cancel: action(
    { reason },
    {
      access: rights.cancel,
      operationId: 'cancelCharge',
      summary: 'Take a charge back while its lot is whole; who may charge such points may',
      path: '/v1/transfers/:id/cancellation',
      target: transfer,
      answer: { status: 201, shows: 'transfer' },
      problems: [refusals.transferUnknown, refusals.notCancellable, refusals.alreadyCancelled, refusals.lotTouched],
      toInstruction: (transferId, body, asked) => ({ kind: 'cancel', transferId, ...toContext(body, asked) }),
    },
  ),
  move: action(
    { toWalletId: publicId('wlt'), amount, reason },
    {
      access: rights.move,
      operationId: 'movePoints',
      summary: 'Move points to another wallet as a gift; class and expiry stay',
      path: '/v1/wallets/:id/moves',
      target: wallet,
      answer: { status: 201, shows: 'transfer' },
      problems: [
        refusals.walletUnknown,
        refusals.sameWallet,
        pointsProblems.moveAcrossCompanies,
        refusals.insufficientPoints,
        refusals.walletClosed,
        refusals.balanceLimit,
      ],
      toInstruction: (walletId, body, asked) => ({
        kind: 'move',
        walletId,
        toWalletId: fromPublicId('wlt', body.toWalletId)!,
        amount: body.amount,
        ...toContext(body, asked),
      }),
    },
  ),
} satisfies Record<string, Action>

/** The name of an action, as `kind` of a batch's items. */
export type ActionName = keyof typeof actions

/** The UUID behind the id of an action's target. Throws that it is unknown when it is malformed. */
export function readTarget({ prefix, unknown }: Omit<Target, 'field'>, id: string): string {
  const uuid = fromPublicId(prefix, id)
  if (uuid === null) throw new Problem(unknown)
  return uuid
}

type Translation<Fields extends TProperties> = (
  targetId: string,
  body: Static<TObject<Fields>>,
  asked: Asked,
) => Instruction

function action<Fields extends TProperties>(
  fields: Fields,
  it: Omit<Action, 'body' | 'toInstruction'> & {
    /** Throws where this caller may not do it with such a body. */
    assertMay?: (caller: Caller, body: Static<TObject<Fields>>) => void
    toInstruction: Translation<Fields>
  },
): Action {
  const toInstruction = it.toInstruction as Action['toInstruction']
  const { assertMay, ...action } = it
  return {
    ...action,
    body: closedObject(fields),
    toInstruction(targetId, body, asked) {
      assertMay?.(asked.caller, body as never)
      assertReadable(body as Body)
      return toInstruction(readTarget(it.target, targetId), body, asked)
    },
  }
}

/** An administrator who gives points says why. */
function assertSaysWhy({ isAdmin }: Caller, body: { reason?: string }): void {
  if (isAdmin && !body.reason) throw invalidRequest([{ pointer: '/reason', detail: reasonNeeded }])
}

const reasonNeeded = { ko: '지급하는 이유를 적어 주십시오.', en: 'Say why the points are given.' }

/** A code is for who takes it: the company whose key brings it, and no other. */
function assertMayPayByCode({ actor }: Caller, body: CodeBody): void {
  const { merchantId, paymentCode, expiresInSeconds = holdSecondsDefault } = body
  if (paymentCode === undefined) return
  if (actor.type !== 'company') throw invalidRequest([{ pointer: '/paymentCode', detail: codesAreForKeys }])
  const isOwn = merchantId === undefined || fromPublicId('cmp', merchantId) === actor.id
  const errors: FieldError[] = isOwn ? [] : [{ pointer: '/merchantId', detail: codeIsSpentHere }]
  if (expiresInSeconds > codeHoldSecondsMax) errors.push({ pointer: '/expiresInSeconds', detail: codeHoldsAreShort })
  if (errors.length > 0) throw invalidRequest(errors)
}

type CodeBody = Pick<Body, 'merchantId' | 'paymentCode'> & { readonly expiresInSeconds?: number }

const codesAreForKeys = {
  ko: '결제 코드는 회사의 API 키로만 사용할 수 있습니다.',
  en: 'Only the API key of a company pays with a payment code.',
}
const codeIsSpentHere = {
  ko: '결제 코드로는 API 키의 회사에서만 결제할 수 있습니다. 그 회사의 ID를 보내거나 생략해 주십시오.',
  en: 'A payment code is spent at the company of the API key: send its id, or none.',
}

const codeHoldsAreShort = {
  ko: `결제 코드로 만든 홀드는 최대 ${codeHoldSecondsMax}초(7일)까지입니다.`,
  en: `A hold with a payment code lasts ${codeHoldSecondsMax} seconds (seven days) at most.`,
}

/** With a payment code the merchant is who brings it. */
function toMerchant({ merchantId, paymentCode }: Body, { caller }: Asked) {
  if (paymentCode !== undefined) return { merchantId: caller.actor.id, paymentCode }
  return { merchantId: merchantId === undefined ? null : fromPublicId('cmp', merchantId), paymentCode: null }
}

interface Body {
  readonly paymentCode?: string
  readonly memberId?: string
  readonly merchantId?: string
  readonly toWalletId?: string
  readonly reason?: string
  readonly reference?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

function toContext(body: Body, { key, caller, isFinal }: Asked) {
  return {
    key,
    isFinal,
    actor: caller.actor,
    memberId: body.memberId === undefined ? null : fromPublicId('mem', body.memberId),
    reason: body.reason ?? null,
    reference: body.reference ?? null,
    metadata: body.metadata ?? null,
  }
}

const idFields = [
  ['merchantId', 'cmp'],
  ['memberId', 'mem'],
  ['toWalletId', 'wlt'],
] as const

/** Refuses what the schema cannot see, every mistake at once. */
function assertReadable(body: Body): void {
  let errors: FieldError[] | undefined
  for (const [field, prefix] of idFields) {
    const id = body[field]
    if (id === undefined || fromPublicId(prefix, id) !== null) continue
    const detail = { ko: `${prefix}_로 시작하는 ID여야 합니다.`, en: `Must be an id that begins with ${prefix}_.` }
    errors = [...(errors ?? []), { pointer: `/${field}`, detail }]
  }
  if (body.metadata !== undefined && !isSmall(body.metadata)) {
    const detail = {
      ko: `JSON으로 ${metadataBytesMax}바이트, ${metadataDepthMax}단계 이하여야 합니다.`,
      en: `Must be at most ${metadataBytesMax} bytes of JSON and ${metadataDepthMax} levels deep.`,
    }
    errors = [...(errors ?? []), { pointer: '/metadata', detail }]
  }
  if (errors) throw invalidRequest(errors)
}

function isSmall(metadata: Readonly<Record<string, unknown>>): boolean {
  return Buffer.byteLength(JSON.stringify(metadata)) <= metadataBytesMax && isShallow(metadata, metadataDepthMax)
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((item) => isShallow(item, levels - 1))
}
