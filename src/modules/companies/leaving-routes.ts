import Type from 'typebox'
import { currentPasswordField, identityProblems, leave, type People, prepareLeaving } from '#modules/identity'
import type { LedgerSettings } from '#modules/ledger'
import { originOf } from '#platform/audit'
import type { RoutesPlugin } from '#platform/http'
import { closedObject } from '#platform/http-schema'
import { examples } from './examples.ts'
import { leaveCompanies } from './memberships.ts'

interface Options {
  readonly people: People
  readonly settings: LedgerSettings
}

/** Leaving the programme: here, since whoever manages a company may not, and people know nothing of companies. */
export function leavingRoutes({ people, settings }: Options): RoutesPlugin {
  const { database: reads, withWork, passwords, cookies } = people
  return async (server) => {
    server.route({
      method: 'DELETE',
      url: '/v1/me',
      config: {
        access: ['member'],
        limits: 'password',
        problems: [
          identityProblems.memberUnknown,
          identityProblems.passwordWrong,
          identityProblems.sessionTooOld,
          identityProblems.lastAdmin,
          identityProblems.holdsPending,
          identityProblems.paidPointsRemain,
        ],
        example: examples.leave,
      },
      schema: {
        operationId: 'leave',
        tags: ['People'],
        summary: 'Leave for good',
        description:
          'Every session ends, the profile is emptied, and address and nickname are free again. Bonus and prize points ' +
          'lapse; while paid points are left it is refused, but where `giveUpPaidPoints` says that they may lapse too. ' +
          'While points are on hold it is refused. What was booked stays in the journal, without a name. ' +
          'The wallet is closed: nothing comes into it any more.',
        body: closedObject({
          currentPassword: currentPasswordField,
          giveUpPaidPoints: Type.Optional(
            Type.Boolean({ default: false, description: 'Paid points that are left lapse without a refund.' }),
          ),
        }),
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const { currentPassword = null, giveUpPaidPoints: givesUpPaid = false } = request.body ?? {}
        const { actor, credentialId } = request.caller
        const own = { memberId: actor.id!, origin: originOf(request) }
        const claim = { memberId: actor.id!, sessionId: credentialId!, currentPassword }
        const leaver = await prepareLeaving({ reads, passwords }, claim)
        // What stays is read by others: in the programme's language, not in the leaver's.
        const options = { withWork, settings, language: request.languageDefault }
        await leave(options, { leaver, givesUpPaid, after: (work) => leaveCompanies(work, own) })
        cookies.clear(reply)
        return reply.code(204).send(null)
      },
    })
  }
}
