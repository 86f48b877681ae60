import type { FastifyReply, FastifyRequest } from 'fastify'
import { httpProblems } from './http-problems.ts'
import { Problem } from './problem.ts'

/** Says which version of a resource an answer shows, as a strong entity tag (RFC 9110, 8.8.3). */
export function setEntityTag(reply: FastifyReply, version: number): void {
  reply.header('etag', `"${version}"`)
}

/**
 * Throws `preconditionFailed` where the request names versions in `If-Match` (RFC 9110, 13.1.1) and this is none of
 * them. Without the header, or with `*`, any version will do; a weak tag names none. For a resource that exists, with
 * its row locked.
 */
export function assertMatches(request: Pick<FastifyRequest, 'headers'>, version: number): void {
  const wanted = request.headers['if-match']?.trim()
  if (wanted === undefined || wanted === '*') return
  const tags: readonly string[] = wanted.match(/(?:W\/)?"[^"]*"/g) ?? []
  if (!tags.includes(`"${version}"`)) throw new Problem(httpProblems.preconditionFailed)
}
