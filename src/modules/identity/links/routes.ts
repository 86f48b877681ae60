import Type from 'typebox'
import type { RoutesPlugin } from '#platform/http'
import { languageOf } from '#platform/http-failures'
import { closedObject } from '#platform/http-schema'
import { proveAgain } from '../accounts/proof.ts'
import { linkExamples as examples } from '../examples.ts'
import type { People } from '../people.ts'
import { identityProblems } from '../problems.ts'
import { currentPasswordField, email, newPassword } from '../schemas.ts'
import { changeAddress } from './address-change.ts'
import { confirmEmail, prepareReset, requestMail, resetPassword } from './links.ts'
import { pageRoutes } from './pages.ts'

const tags = ['People']
const nothing = Type.Null()
const params = Type.Object({
  token: Type.String({ description: 'What stands after # in the link of the mail.', examples: ['ZmHk…'] }),
})

/** The routes of links that go by mail: forgotten passwords, and whose an address is. */
export function linkRoutes(people: People): RoutesPlugin {
  return async (server) => {
    await server.register(resetRoutes(people))
    await server.register(confirmationRoutes(people))
    await server.register(addressRoutes(people))
    await server.register(pageRoutes)
  }
}

function resetRoutes({ database: reads, withWork, passwords, links, sealing }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/password-resets',
      config: { access: ['anonymous'], limits: 'mail', example: examples.requestReset },
      schema: {
        operationId: 'requestPasswordReset',
        tags,
        summary: 'Ask for a link to choose a new password, by mail',
        description:
          'Answers the same whether the address is known or not, and takes as long. Five mails an hour are sent to one; ' +
          'whoever asks more often ends no link that is out.',
        body: closedObject({ email }),
        response: { 202: nothing },
      },
      async handler(request, reply) {
        const notice = { kind: 'password-reset', to: request.body, language: languageOf(request) } as const
        await withWork(request.caller.actor, (work) => requestMail({ work, sealing }, notice))
        return reply.code(202).send(null)
      },
    })

    server.route({
      method: 'PUT',
      url: '/v1/password-resets/:token',
      config: {
        access: ['anonymous'],
        limits: 'link',
        problems: [identityProblems.linkUnusable],
        example: examples.resetPassword,
      },
      schema: {
        operationId: 'resetPassword',
        tags,
        summary: 'Choose a new password with the link of a mail; every session ends',
        description: 'Confirms the address, too. A password that is refused leaves the link good for another.',
        params,
        body: closedObject({ newPassword }),
        response: { 204: nothing },
      },
      async handler(request, reply) {
        const language = languageOf(request)
        const prepared = await prepareReset({ reads, passwords, links }, { ...request.params, ...request.body })
        await withWork(request.caller.actor, async (work) => {
          const { memberId, address } = await resetPassword({ work, links }, prepared)
          await requestMail({ work, sealing }, { kind: 'password-changed', to: { memberId }, language })
          request.ownEmail = address
        })
        return reply.code(204).send(null)
      },
    })
  }
}

function confirmationRoutes({ withWork, links, sealing }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/email-confirmations',
      config: { access: ['anonymous'], limits: 'mail', example: examples.requestConfirmation },
      schema: {
        operationId: 'requestConfirmation',
        tags,
        summary: 'Ask for another link that confirms an address, without signing in',
        description: 'Answers the same whether the address is known, confirmed, or neither, and takes as long.',
        body: closedObject({ email }),
        response: { 202: nothing },
      },
      async handler(request, reply) {
        const notice = { kind: 'confirmation', to: request.body, language: languageOf(request) } as const
        await withWork(request.caller.actor, (work) => requestMail({ work, sealing }, notice))
        return reply.code(202).send(null)
      },
    })

    server.route({
      method: 'PUT',
      url: '/v1/email-confirmations/:token',
      config: { access: ['anonymous'], limits: 'link', problems: [identityProblems.linkUnusable] },
      schema: {
        operationId: 'confirmEmail',
        tags,
        summary: 'Confirm an e-mail address with the link of a mail',
        params,
        response: { 204: nothing },
      },
      async handler(request, reply) {
        const { token } = request.params
        await withWork(request.caller.actor, (work) => confirmEmail({ work, links }, token))
        return reply.code(204).send(null)
      },
    })

    server.route({
      method: 'POST',
      url: '/v1/me/email-confirmation',
      config: { access: ['member'], limits: 'mail', example: { body: {} } },
      schema: {
        operationId: 'requestEmailConfirmation',
        tags,
        summary: 'Ask for another link that confirms the own address',
        description: 'Five mails an hour are sent, and none where the address is confirmed. Earlier links stay good.',
        body: closedObject({}),
        response: { 202: nothing },
      },
      async handler(request, reply) {
        const { actor } = request.caller
        const to = { memberId: actor.id! }
        const notice = { kind: 'confirmation', to, language: languageOf(request) } as const
        await withWork(actor, (work) => requestMail({ work, sealing }, notice))
        return reply.code(202).send(null)
      },
    })
  }
}

function addressRoutes({ database: reads, withWork, passwords, links, sealing, search }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'PUT',
      url: '/v1/me/email',
      config: {
        access: ['member'],
        limits: 'password',
        problems: [identityProblems.passwordWrong, identityProblems.sessionTooOld],
        example: examples.changeEmail,
      },
      schema: {
        operationId: 'changeEmail',
        tags,
        summary: 'Ask for a link that changes the own address, by mail to the new one',
        description:
          'Answers the same whether the address is taken or not. The address stays as it is until the link is used, ' +
          'which is good for half an hour and while this session goes on. Five mails an hour are sent, and none to the ' +
          'address that there is.',
        body: closedObject({ email, currentPassword: currentPasswordField }),
        response: { 202: nothing },
      },
      async handler(request, reply) {
        const { actor, credentialId } = request.caller
        const { email, currentPassword = null } = request.body
        const [memberId, sessionId] = [actor.id!, credentialId!]
        await proveAgain({ reads, passwords }, { memberId, sessionId, currentPassword })
        const to = { memberId, email }
        const notice = { kind: 'email-change', to, sessionId, language: languageOf(request) } as const
        await withWork(actor, (work) => requestMail({ work, sealing }, notice))
        return reply.code(202).send(null)
      },
    })

    server.route({
      method: 'PUT',
      url: '/v1/email-changes/:token',
      config: {
        access: ['anonymous'],
        limits: 'link',
        problems: [identityProblems.linkUnusable, identityProblems.addressTaken],
      },
      schema: {
        operationId: 'confirmEmailChange',
        tags,
        summary: 'Change the address of an account with the link of a mail; every other session ends',
        description: 'The address that there was is told by mail.',
        params,
        response: { 204: nothing },
      },
      async handler(request, reply) {
        const language = languageOf(request)
        await withWork(request.caller.actor, async (work) => {
          const { memberId, before } = await changeAddress({ work, links }, request.params.token)
          if (before === null) return
          await requestMail({ work, sealing }, { kind: 'email-changed', to: { memberId, email: before }, language })
        })
        search.forget()
        return reply.code(204).send(null)
      },
    })
  }
}
