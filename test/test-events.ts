import Type from 'typebox'
import { defineEvents } from '#platform/events/kinds'

const said = {
  description: { ko: '시험에서 말한 것입니다.', en: 'Something was said in a test.' },
  key: 'mem',
  data: Type.Object({ said: Type.Unsafe<string | number>({ type: ['string', 'number'] }) }),
} as const

/** What is said in tests of events, where it does not matter what. */
export const testEvents = defineEvents('test', { said, other: said })
