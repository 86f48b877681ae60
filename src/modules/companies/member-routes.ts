import Type from 'typebox'
import { type FoundPlace, identityProblems, type MemberSearch, type Rank, searchAgeMaxSeconds } from '#modules/identity'
import { admits } from '#platform/access'
import { decodeCursor, toPage } from '#platform/cursor'
import type { Database } from '#platform/database'
import type { RoutesPlugin } from '#platform/http'
import { closedObject, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { addRoles, getMember } from './companies.ts'
import { examples } from './examples.ts'
import { readers, readTies } from './rights.ts'
import { memberSchema, toMemberBody, toPublicBody } from './schemas.ts'

interface Options {
  readonly database: Database
  readonly search: MemberSearch
}

/** The routes of members, whoever made them. */
export function memberRoutes(options: Options): RoutesPlugin {
  return async (server) => {
    await server.register(searchRoute(options))
    await server.register(memberRoute(options))
  }
}

function searchRoute({ database, search }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/members',
      config: { access: ['operator', 'admin', 'member'], example: examples.searchMembers },
      schema: {
        operationId: 'searchMembers',
        tags: ['Members'],
        summary: 'Search people by any part of nickname and bio',
        description:
          'Case and width make no difference, and no character has a meaning of its own. First come those whose nickname ' +
          'is `q`, then those whose nickname begins with it, has it further on, and those whose bio has it; the newest ' +
          'first in each. Without `q`: everybody, the newest first. The operator and administrators search all members, ' +
          'also by e-mail, and see everything; other people find people who sign in, and see what is public. A first ' +
          `page may be ${searchAgeMaxSeconds} seconds old (\`Age\`): so soon a change is found by everybody.`,
        querystring: closedObject({
          q: Type.Optional(Type.String({ 'x-text': 'line', minLength: 1, maxLength: 100, examples: ['포도'] })),
          ...pageQuery,
        }),
        response: { 200: pageOf(memberSchema) },
      },
      async handler({ caller, query }, reply) {
        const { q: text = null, limit, cursor } = query
        const audience = caller.isAdmin || caller.actor.type === 'operator' ? 'everybody' : 'people'
        const list = `members for ${audience} ${JSON.stringify(text)}`
        const after = decodeCursor(list, cursor, readPlace)
        const { value: found, ageSeconds } = await search.find({ audience, text, after, limit: limit + 1 })
        if (after === null) {
          reply.header('cache-control', `private, max-age=${searchAgeMaxSeconds}`)
          reply.headers({ age: ageSeconds, vary: 'authorization, cookie' })
        }
        const shown = await addRoles(database, found)
        return toPage(shown, {
          list,
          limit,
          placeOf: ({ rank, member }) => `${rank} ${toPublicId('mem', member.id)}`,
          toItem: ({ member }) => (audience === 'everybody' ? toMemberBody(member) : toPublicBody(member)),
        })
      },
    })
  }
}

function memberRoute({ database }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/members/:id',
      config: {
        access: [...readers, 'member'],
        problems: [identityProblems.memberUnknown],
        example: examples.getMember,
      },
      schema: {
        operationId: 'getMember',
        tags: ['Members'],
        summary: 'One member',
        description:
          'The operator, administrators, the company that made the member, and oneself see everything. Whoever signs in ' +
          'sees of others who sign in `id`, `nickname`, `bio` and `createdAt`; all other fields are null.',
        params: Type.Object({ id: publicId('mem') }),
        response: { 200: memberSchema },
      },
      async handler({ caller, params }) {
        const member = await getMember(database, readMemberId(params.id))
        const { companyId } = member
        const ties = companyId === null ? new Set<string>() : await readTies(database, { caller, companyId })
        const isOneself = caller.actor.type === 'member' && caller.actor.id === member.id
        if (isOneself || admits(readers, { caller, ties })) return toMemberBody(member)
        const isPublic = companyId === null && member.leftAt === null
        if (isPublic && caller.actor.type === 'member') return toPublicBody(member)
        throw new Problem(identityProblems.memberUnknown)
      },
    })
  }
}

function readPlace(place: string): FoundPlace | null {
  const [, rank, text = ''] = /^([0-4]) (.*)$/.exec(place) ?? []
  const id = fromPublicId('mem', text)
  return rank && id ? { rank: Number(rank) as Rank, id } : null
}

/** The UUID of a member that a path names; throws `memberUnknown`. */
export function readMemberId(text: string): string {
  const id = fromPublicId('mem', text)
  if (!id) throw new Problem(identityProblems.memberUnknown)
  return id
}
