import Type, { type TSchema } from 'typebox'
import { parseSecretKey } from './secrets.ts'
import type { Setting } from './settings.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const visible = '[\\x21-\\x2b\\x2d-\\x7e]{32,1024}'

/** What secrets are encrypted and sealed with. */
export const secretSettings = {
  secretKey: {
    name: 'PODO_SECRET_KEY',
    schema: nullable(
      Type.Refine(
        Type.String(),
        (text) => parseSecretKey(text) !== null,
        () => 'must be 32 bytes',
      ),
    ),
    default: null,
    expects: {
      ko: 'base64나 16진수로 적은 32바이트(예: "openssl rand -base64 32"의 출력)',
      en: '32 bytes in base64 or hex (for example the output of "openssl rand -base64 32")',
    },
    description: 'Key of the settings that are given as enc:… (made by "podo secret encrypt").',
    secret: true,
  },
  secretKeyFile: {
    name: 'PODO_SECRET_KEY_FILE',
    schema: nullable(Type.String({ minLength: 1 })),
    default: null,
    expects: {
      ko: 'base64나 16진수로 적은 32바이트가 들어 있는 파일의 경로',
      en: 'the path of a file that holds 32 bytes in base64 or hex',
    },
    description: 'File with that key, in place of PODO_SECRET_KEY; former ones may follow, a line each.',
  },
  secretKeyFormer: {
    name: 'PODO_SECRET_KEY_FORMER',
    schema: nullable(Type.String({ pattern: `^${visible}(,\\s*${visible})*$` })),
    default: null,
    expects: {
      ko: '쉼표로 구분한 이전 PODO_SECRET_KEY 또는 이전 운영자 키',
      en: "former values of PODO_SECRET_KEY, or former operator's keys, separated by commas",
    },
    description:
      "Former values of PODO_SECRET_KEY, or former operator's keys: what the service sealed by them in the database " +
      'stays readable.',
    secret: true,
  },
} as const satisfies Record<string, Setting>
