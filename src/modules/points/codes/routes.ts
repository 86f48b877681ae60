import Type from 'typebox'
import { renderSVG } from 'uqr'
import { createOnce } from '#platform/create-once'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { closedObject, instant, publicId } from '#platform/http-schema'
import { toPublicId } from '#platform/ids'
import type { WithWork } from '#platform/work'
import { codeExamples as examples } from '../examples.ts'
import type { Points } from '../points.ts'
import { pointsProblems } from '../problems.ts'
import { codeBearers } from '../rights.ts'
import { paymentCode } from '../schemas.ts'
import { createCode, getCode, type PaymentCode } from './codes.ts'

const tags = ['Payment codes']
const shown = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], description })
const codeFields = { walletId: publicId('wlt'), expiresAt: instant }

/** The routes of payment codes: who pays makes one, and the till looks whose it is. */
export function codeRoutes(options: { points: Points; withWork: WithWork }): RoutesPlugin {
  return async (server) => {
    await server.register(makingRoute(options))
    await server.register(lookupRoute(options))
  }
}

function makingRoute({ points, withWork }: { points: Points; withWork: WithWork }): RoutesPlugin {
  const { sealing } = points
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/me/payment-codes',
      config: { access: ['member'], idempotent: true, example: examples.createCode },
      schema: {
        operationId: 'createPaymentCode',
        tags,
        summary: 'Make a code to show at a till',
        description:
          'Any company may spend or hold with it from the wallet of whoever shows it, once, at that company, for three ' +
          'minutes: show it at a till only. The next one ends it, and so does the end of the session that made it. ' +
          '`code` and `qr` are in the first answer only: a replay has `null` in their place.',
        body: closedObject({}),
        response: {
          201: Type.Object({
            code: shown('16 letters and digits in groups of four.'),
            qr: shown('The same as a QR picture, in SVG.'),
            ...codeFields,
          }),
        },
      },
      async handler(request, reply) {
        const { actor, credentialId } = request.caller
        const answer = await createOnce(withWork, {
          actor,
          key: request.idempotency,
          async run(work) {
            const made = await createCode(work, { memberId: actor.id!, sessionId: credentialId!, sealing })
            const { code } = made
            const body = { code: null, qr: null, ...toCodeBody(made) }
            return { status: 201, body, shownOnce: { code, qr: renderSVG(code, { ecc: 'M', border: 4 }) } }
          },
        })
        return sendAnswer(reply, answer)
      },
    })
  }
}

function lookupRoute({ points }: { points: Points }): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/payment-codes/lookup',
      config: {
        access: codeBearers,
        problems: [pointsProblems.codeUnknown, pointsProblems.codeEnded],
        example: examples.lookUpCode,
      },
      schema: {
        operationId: 'lookUpPaymentCode',
        tags,
        summary: 'Look up the wallet of a payment code, which stays good',
        description: 'Then spend or hold from that wallet with the same code as `paymentCode`.',
        body: closedObject({ code: paymentCode }),
        response: { 200: Type.Object(codeFields) },
      },
      handler: async (request) => toCodeBody(await getCode(points, request.body.code)),
    })
  }
}

function toCodeBody({ walletId, expiresAt }: PaymentCode) {
  return { walletId: toPublicId('wlt', walletId), expiresAt: expiresAt.toISOString() }
}
