import Type from 'typebox'
import { classes } from '#modules/ledger'
import { instant, nullable, oneOf, publicId } from '#platform/http-schema'

/** A payment code as somebody types or scans it; what is none is unknown, so nothing is refused here. */
export const paymentCode = Type.String({
  minLength: 1,
  maxLength: 40,
  description: 'As it was shown; small letters, spaces and missing hyphens do no harm.',
  examples: ['7K3M-Q9XD-V2PH-R5TN'],
})

const points = (description: string) => Type.Integer({ description, examples: [1_000] })
const pointClass = oneOf(classes, { description: 'What the points are: given free, won, or bought.' })

const share = Type.Object({
  lotId: publicId('lot'),
  class: pointClass,
  amount: points('Points of this lot that were touched.'),
  expiresAt: nullable(instant),
})

const actor = Type.Object({
  type: oneOf(['operator', 'company', 'member', 'system']),
  id: nullable(Type.String({ description: 'Null for the operator and the system.' })),
})

/** Kinds of transfer, as they stand in statements. */
export const transferKinds = [
  'charge',
  'grant',
  'reward',
  'spend',
  'refund',
  'cancel',
  'move',
  'hold',
  'post',
  'void',
  'expire',
  'adjust',
  'payout',
] as const

const metadata = Type.Unsafe<Record<string, unknown> | null>({ type: ['object', 'null'], additionalProperties: true })
const note = nullable(Type.String())

const walletOf = (description: string) => nullable({ ...publicId('wlt'), description })
const sides = {
  walletId: walletOf('The wallet whose points these are; of a move, the one that gives.'),
  toWalletId: walletOf('Of a move, the wallet that receives.'),
  merchantId: nullable(publicId('cmp')),
}

/** A wallet as callers see it. */
export const walletSchema = Type.Object({
  id: publicId('wlt'),
  owner: Type.Object({ type: oneOf(['member', 'company']), id: Type.String() }),
  balance: points('Everything in the wallet: available and held.'),
  available: points('What can be spent.'),
  held: points('What is set aside by holds.'),
  byClass: Type.Object({ paid: Type.Integer(), bonus: Type.Integer(), prize: Type.Integer() }),
  expiringSoon: Type.Array(Type.Object({ amount: Type.Integer(), class: pointClass, expiresAt: instant })),
  unbooked: Type.Boolean({
    description:
      'Whether what has expired is left out here but not booked yet, because the database takes no writes: the ' +
      'newest `balanceAfter` of the statement still counts it.',
  }),
})

/** A lot as callers see it. */
export const lotSchema = Type.Object({
  id: publicId('lot'),
  class: pointClass,
  amount: points('What came in.'),
  remaining: points('What is left, held points included.'),
  held: points('What is set aside by holds.'),
  issuedAt: instant,
  expiresAt: nullable(instant),
  source: Type.Object({
    transferId: publicId('trf'),
    lotId: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The lot that moved or refunded points came from.',
    }),
  }),
})

/** A transfer as callers see it. */
export const transferSchema = Type.Object({
  id: publicId('trf'),
  kind: oneOf(transferKinds),
  amount: points('Always positive.'),
  ...sides,
  memberId: nullable(publicId('mem')),
  actor,
  seq: nullable(
    Type.Integer({ description: 'Its place among the transfers of the wallet `walletId`; null from the other side.' }),
  ),
  reason: note,
  reference: note,
  metadata,
  createdAt: instant,
  reverses: nullable(publicId('trf')),
  refundedAmount: points('What has been refunded of it.'),
  forfeitedAmount: points(
    'Of a refund without grace, what expired at once: `balanceAfter` counts it still, and the next transfer takes it.',
  ),
  lots: Type.Array(share),
  balanceAfter: nullable(points('Balance of the wallet `walletId` after it.')),
})

/** A line of a statement as callers see it. */
export const lineSchema = Type.Object({
  id: publicId('trf'),
  kind: oneOf(transferKinds),
  amount: points('Signed change of the balance.'),
  heldChange: points('Signed change of the held points.'),
  balanceAfter: points('Balance of the wallet after it.'),
  ...sides,
  holdId: nullable({ ...publicId('hld'), description: 'The hold that it made, carried out or released.' }),
  memberId: nullable(publicId('mem')),
  actor,
  seq: Type.Integer({ description: 'Its place among the transfers of the wallet.' }),
  reason: note,
  reference: note,
  metadata,
  createdAt: instant,
  reverses: nullable(publicId('trf')),
  lots: Type.Array(share),
})

/** A hold as callers see it. */
export const holdSchema = Type.Object({
  id: publicId('hld'),
  walletId: publicId('wlt'),
  merchantId: nullable(publicId('cmp')),
  status: oneOf(['pending', 'posted', 'voided', 'expired']),
  amount: points('What was set aside.'),
  postedAmount: points('What was spent of it.'),
  createdAt: instant,
  expiresAt: instant,
  memberId: nullable(publicId('mem')),
  reason: note,
  reference: note,
  metadata,
  postTransferId: nullable(publicId('trf')),
  lots: Type.Array(share),
})

/** What an item of a batch is answered, in the place of the item. */
export const resultSchema = Type.Object({
  status: Type.Integer({ description: 'What the single call would have answered.' }),
  replayed: Type.Boolean(),
  idempotencyKey: nullable(Type.String({ description: 'Null where the key of the item was none.' })),
  transfer: Type.Optional(transferSchema),
  hold: Type.Optional(holdSchema),
  problem: Type.Optional(Type.Object({}, { additionalProperties: true })),
})
