import Type from 'typebox'
import { assertMatches, setEntityTag } from '#platform/entity-tags'
import type { RoutesPlugin } from '#platform/http'
import { closedObject, nullable } from '#platform/http-schema'
import { getPerson } from '../accounts/accounts.ts'
import { profileExamples as examples } from '../examples.ts'
import type { People } from '../people.ts'
import { identityProblems } from '../problems.ts'
import { bio, birthOn, nickname, personSchema, toPersonBody } from '../schemas.ts'
import { changeProfile } from './profiles.ts'

const tags = ['People']
const access = ['member'] as const

/** The routes of one's own profile. */
export function profileRoutes({ database, withWork, search, timeZone }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/me',
      config: { access, tagged: true, example: examples.getMe },
      schema: {
        operationId: 'getMe',
        tags,
        summary: 'Who is signed in',
        response: { 200: personSchema },
      },
      async handler(request, reply) {
        const person = await getPerson(database, request.caller.actor.id!)
        setEntityTag(reply, person.member.version)
        return toPersonBody(person)
      },
    })

    server.route({
      method: 'PATCH',
      url: '/v1/me',
      config: { access, tagged: true, problems: [identityProblems.nicknameTaken], example: examples.changeMe },
      schema: {
        operationId: 'changeMe',
        tags,
        summary: 'Change the own profile: what is left out stays as it is',
        body: closedObject({
          nickname: Type.Optional(nickname),
          birthOn: Type.Optional(nullable(birthOn)),
          bio: Type.Optional(nullable(bio)),
        }),
        response: { 200: personSchema },
      },
      async handler(request, reply) {
        const { actor } = request.caller
        const change = {
          memberId: actor.id!,
          changes: request.body ?? {},
          timeZone,
          assertVersion: (version: number) => assertMatches(request, version),
        }
        const person = await withWork(actor, (work) => changeProfile(work, change))
        search.forget()
        setEntityTag(reply, person.member.version)
        return toPersonBody(person)
      },
    })
  }
}
