import Type from 'typebox'
import { batchSizeMax, ledgerProblems as refusals } from '#modules/ledger'
import { toPeriod } from '#platform/clock'
import { decodeCursor, seqPlace, toPage } from '#platform/cursor'
import type { HttpServer, RoutesPlugin } from '#platform/http'
import { oneOf, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, type Prefix, toPublicId } from '#platform/ids'
import { laneProblems } from '#platform/lane'
import type { Operations } from '#platform/operations/deferring'
import { operationExample, operationSchema } from '#platform/operations/resources'
import type { ProblemKind } from '#platform/problem'
import type { WithWork } from '#platform/work'
import { type Action, type ActionName, actions, readTarget } from './actions.ts'
import { batchPath } from './batch.ts'
import { codeRoutes } from './codes/routes.ts'
import { actionExamples, readingExamples as examples } from './examples.ts'
import { getHold, getOwnWallet, getTransfer, getWallet, listStatement, listWalletLots, type Points } from './points.ts'
import { toHold, toLine, toLot, toTransfer, toWallet } from './resources.ts'
import { holdReaders, transferReaders, walletReaders } from './rights.ts'
import {
  holdSchema,
  lineSchema,
  lotSchema,
  resultSchema,
  transferKinds,
  transferSchema,
  walletSchema,
} from './schemas.ts'

/** What the routes of points need from the composition root. */
export interface PointsRoutesOptions {
  readonly points: Points
  /** By which what moves points is carried out, now or later. */
  readonly operations: Operations
  /** Where the days begin that a statement is asked for. */
  readonly timeZone: string
  /** Where payment codes are made. */
  readonly withWork: WithWork
}

/** The routes of wallets, transfers and holds. */
export function pointsRoutes(options: PointsRoutesOptions): RoutesPlugin {
  return async (server) => {
    for (const name of Object.keys(actions) as ActionName[]) addAction(server, options, name)
    addBatch(server, options)
    addWallet(server, options)
    addStatement(server, options)
    addTransferAndHold(server, options)
    await server.register(codeRoutes(options))
  }
}

/** Each item of a batch is admitted for itself. */
const batchSenders = ['operator', 'member', 'key:points', 'key:points:issue-paid'] as const
const { overloaded } = laneProblems
const tags = ['Wallets and points']
const batchBodyLimitBytes = 2 * 1024 * 1024
const idParam = (prefix: Prefix) => Type.Object({ id: publicId(prefix) })

function addAction(server: HttpServer, { operations }: PointsRoutesOptions, name: ActionName): void {
  const action: Action = actions[name]
  const { status, shows } = action.answer
  server.route({
    method: 'POST',
    url: action.path,
    config: {
      access: action.access,
      idempotent: true,
      outlasts: true,
      problems: [...action.problems, overloaded],
      example: { ...actionExamples[name], later: operationExample },
    },
    schema: {
      operationId: action.operationId,
      summary: action.summary,
      tags,
      params: idParam(action.target.prefix),
      body: action.body,
      response: { [status]: shows === 'hold' ? holdSchema : transferSchema, 202: operationSchema },
    },
    handler: operations.handlerOf(action.operationId),
  })
}

function addBatch(server: HttpServer, { operations }: PointsRoutesOptions): void {
  server.route({
    method: 'POST',
    url: batchPath,
    bodyLimit: batchBodyLimitBytes,
    config: {
      access: batchSenders,
      idempotent: true,
      outlasts: true,
      example: { ...examples.batch, later: operationExample },
    },
    schema: {
      operationId: 'bookTransfers',
      summary: 'Many of these at once, each standing alone',
      description:
        'An item has the fields of its single call, its `kind`, the id that the path of the single call has ' +
        '(`walletId`, `transferId` or `holdId`), and an `idempotencyKey` of its own. A key that is missing is made of ' +
        "the batch's own, so that the same batch with the same `Idempotency-Key` takes effect once. That key belongs to " +
        'the whole batch: with another body it is refused, and no item may have it as its own. A batch that was cut off ' +
        'is finished by sending it again; `Idempotent-Replayed` says that every item had been answered before. ' +
        'Items are refused in their results, under a 200: where one of them has `status` 503, `Retry-After` says when ' +
        'to send the same batch again; one with 202 was taken on before, by itself, and waits.',
      tags,
      body: Type.Object(
        {
          transfers: Type.Array(Type.Unknown(), {
            maxItems: batchSizeMax,
          }),
        },
        { additionalProperties: false },
      ),
      response: { 200: Type.Object({ results: Type.Array(resultSchema) }), 202: operationSchema },
    },
    handler: operations.handlerOf('bookTransfers'),
  })
}

function addWallet(server: HttpServer, { points }: PointsRoutesOptions): void {
  // What is due is booked before it is read, in the lane.
  const config = { access: walletReaders, problems: [refusals.walletUnknown, overloaded] }
  server.route({
    method: 'GET',
    url: '/v1/wallets/:id',
    config: { ...config, example: examples.wallet },
    schema: {
      operationId: 'getWallet',
      summary: 'A wallet and what is in it',
      tags,
      params: idParam('wlt'),
      response: { 200: walletSchema },
    },
    handler: async (request) =>
      toWallet(await getWallet(points, { walletId: readWalletId(request.params.id), caller: request.caller })),
  })
  server.route({
    method: 'GET',
    url: '/v1/me/wallet',
    config: { access: ['member'], problems: [overloaded], example: examples.wallet },
    schema: {
      operationId: 'getOwnWallet',
      summary: 'The wallet of whoever is signed in',
      tags,
      response: { 200: walletSchema },
    },
    handler: async ({ caller }) => toWallet(await getOwnWallet(points, caller)),
  })
  server.route({
    method: 'GET',
    url: '/v1/wallets/:id/lots',
    config: { ...config, example: examples.lots },
    schema: {
      operationId: 'listLots',
      summary: 'Lots of a wallet, newest first',
      tags,
      params: idParam('wlt'),
      querystring: Type.Object(
        { ...pageQuery, open: Type.Optional(Type.Boolean({ description: 'Only lots with something left.' })) },
        { additionalProperties: false },
      ),
      response: { 200: pageOf(lotSchema) },
    },
    async handler({ params, query, caller }) {
      const walletId = readWalletId(params.id)
      const list = `lots of ${walletId}${query.open === true ? ', open' : ''}`
      const afterId = decodeCursor(list, query.cursor, (id) => fromPublicId('lot', id))
      const limit = query.limit + 1
      const lots = await listWalletLots(points, { walletId, caller, openOnly: query.open === true, afterId, limit })
      return toPage(lots, { list, limit: query.limit, placeOf: (lot) => toPublicId('lot', lot.id), toItem: toLot })
    },
  })
}

function addStatement(server: HttpServer, { points, timeZone }: PointsRoutesOptions): void {
  const bound = Type.Optional(Type.String({ format: 'date-or-date-time' }))
  server.route({
    method: 'GET',
    url: '/v1/wallets/:id/transfers',
    config: { access: walletReaders, problems: [refusals.walletUnknown, overloaded], example: examples.statement },
    schema: {
      operationId: 'listStatement',
      summary: 'The statement of a wallet, newest first',
      description: '`from` and `to` are instants (`to` exclusive) or days of the programme (both inclusive).',
      tags,
      params: idParam('wlt'),
      querystring: Type.Object(
        { ...pageQuery, kind: Type.Optional(oneOf(transferKinds)), from: bound, to: bound },
        { additionalProperties: false },
      ),
      response: { 200: pageOf(lineSchema) },
    },
    async handler({ params, query, caller }) {
      const walletId = readWalletId(params.id)
      const { kind, from, to } = query
      const list = `statement of ${walletId}, ${JSON.stringify([kind, from, to])}`
      const entries = await listStatement(points, {
        walletId,
        caller,
        kinds: kind ? [kind] : null,
        ...toPeriod(query, timeZone),
        beforeSeq: decodeCursor(list, query.cursor, seqPlace),
        limit: query.limit + 1,
      })
      return toPage(entries, { list, limit: query.limit, placeOf: ({ seq }) => String(seq), toItem: toLine })
    },
  })
}

function addTransferAndHold(server: HttpServer, { points }: PointsRoutesOptions): void {
  server.route({
    method: 'GET',
    url: '/v1/transfers/:id',
    config: { access: transferReaders, problems: [refusals.transferUnknown], example: examples.transfer },
    schema: {
      operationId: 'getTransfer',
      summary: 'A transfer, with what has been refunded of it',
      tags,
      params: idParam('trf'),
      response: { 200: transferSchema },
    },
    async handler(request) {
      const id = readId('trf', request.params.id, refusals.transferUnknown)
      const { transfer, view } = await getTransfer(points, { id, caller: request.caller })
      return toTransfer(transfer, view)
    },
  })
  server.route({
    method: 'GET',
    url: '/v1/holds/:id',
    config: { access: holdReaders, problems: [refusals.holdUnknown], example: examples.hold },
    schema: {
      operationId: 'getHold',
      summary: 'A hold as it stands',
      tags,
      params: idParam('hld'),
      response: { 200: holdSchema },
    },
    async handler(request) {
      const id = readId('hld', request.params.id, refusals.holdUnknown)
      const { hold, view } = await getHold(points, { id, caller: request.caller })
      return toHold(hold, view)
    },
  })
}

function readWalletId(id: string): string {
  return readId('wlt', id, refusals.walletUnknown)
}

function readId(prefix: Prefix, id: string, unknown: ProblemKind): string {
  return readTarget({ prefix, unknown }, id)
}
