import Type from 'typebox'
import { advanceClock, offsetSecondsMax } from './clock.ts'
import { createOnce } from './create-once.ts'
import { type RoutesPlugin, sendAnswer } from './http.ts'
import { closedObject, instant } from './http-schema.ts'
import { defineProblems, Problem } from './problem.ts'
import type { WithWork } from './work.ts'

/** How the test clock refuses. */
export const clockProblems = defineProblems('clock', {
  tooFar: {
    status: 409,
    title: { ko: '시계를 그만큼 옮길 수 없습니다', en: 'The clock cannot go that far' },
    detail: {
      ko: '시계는 모두 합해 100년까지만 앞당길 수 있습니다.',
      en: 'The clock can be moved forward by 100 years in all.',
    },
  },
})

/** The test clock of the demo profile: moves the programme's time forward, for good. */
export function clockRoutes({ withWork }: { withWork: WithWork }): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/sandbox/clock',
      config: {
        access: ['operator'],
        idempotent: true,
        problems: [clockProblems.tooFar],
        example: { body: { advanceSeconds: 86_400 }, answer: { now: '2026-11-21T09:00:00.000Z' } },
      },
      schema: {
        operationId: 'advanceClock',
        tags: ['Sandbox'],
        summary: "Move the programme's clock forward",
        body: closedObject({
          advanceSeconds: Type.Integer({ minimum: 1, maximum: offsetSecondsMax, examples: [86_400] }),
        }),
        response: { 200: Type.Object({ now: instant }) },
      },
      async handler(request, reply) {
        const answer = await createOnce(withWork, {
          actor: request.caller.actor,
          key: request.idempotency,
          async run(work) {
            // What was let in by the clock before may have run out.
            work.withdraw([])
            const moved = await advanceClock(work, request.body.advanceSeconds)
            if (!moved) throw new Problem(clockProblems.tooFar)
            return { status: 200, body: { now: moved.now.toISOString() } }
          },
        })
        return sendAnswer(reply, answer)
      },
    })
  }
}
