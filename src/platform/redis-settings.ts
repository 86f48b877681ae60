import Type, { type TSchema } from 'typebox'
import type { Setting } from './settings.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** Where what processes share for speed is kept. */
export const redisSettings = {
  redisUrl: {
    name: 'REDIS_URL',
    schema: nullable(Type.Refine(Type.String(), isRedisUrl, () => 'must be an address')),
    default: null,
    expects: {
      ko: 'rediss://user:…@redis.example.com:6379 형식의 주소',
      en: 'an address like rediss://user:…@redis.example.com:6379',
    },
    description: 'A Redis or Valkey for what processes share for speed. Without it, PostgreSQL and memory serve.',
    secret: true,
  },
  redisPrefix: {
    name: 'REDIS_PREFIX',
    schema: Type.String({ pattern: '^[\\w.:-]{1,100}$' }),
    default: 'podo:',
    expects: {
      ko: '영문자, 숫자, ., _, :, -로 된 100자 이하의 글자',
      en: 'up to 100 letters, digits, dots, _, : or -',
    },
    description: 'What the names of keys and channels in Redis begin with.',
  },
} as const satisfies Record<string, Setting>

/** Whether a text is the address of a Redis. */
export function isRedisUrl(text: string): boolean {
  return /^rediss?:\/\/[^/]/.test(text) && URL.canParse(text) && /^\/?\d*$/.test(new URL(text).pathname)
}
