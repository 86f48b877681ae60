import type { Text } from './problem.ts'
import { StartProblem } from './start-problem.ts'

/** What is wrong with the settings, and what to do: a sentence or two for each mistake. */
export const mistakes = {
  value: (it: { name: string; expects: Text; otherwise: unknown; shown: string | null }): Text => {
    const { name, expects, otherwise } = it
    const shown = it.shown === null ? null : JSON.stringify(it.shown.slice(0, 80))
    const hasDefault = otherwise !== null
    return {
      ko:
        `${name}에 쓸 수 없는 값이 있습니다${shown ? `(${shown})` : ''}. 쓸 수 있는 값: ${expects.ko}. ` +
        (hasDefault ? `값을 고치거나, 지워서 기본값(${otherwise})을 쓰십시오.` : '값을 고치거나 지우십시오.'),
      en:
        `${name} ${shown ? `is ${shown}` : 'does not fit'}: it must be ${expects.en}. ` +
        (hasDefault ? `Correct it, or remove it for the default, ${otherwise}.` : 'Correct or remove it.'),
    }
  },
  unknown: (name: string): Text => ({
    ko: `.env에 Podo의 설정이 아닌 이름이 있습니다(${name}). 설정의 이름은 .env.example에서 확인하십시오.`,
    en: `${name} in .env is no setting of Podo. See .env.example for their names.`,
  }),
  keyMissing: (name: string): Text => ({
    ko: `${name}의 값은 암호화되어 있는데 그 키가 없습니다. PODO_SECRET_KEY나 PODO_SECRET_KEY_FILE을 지정하십시오.`,
    en: `${name} is encrypted, but its key is not given. Set PODO_SECRET_KEY or PODO_SECRET_KEY_FILE.`,
  }),
  notDecrypted: (name: string): Text => ({
    ko: `${name}의 값을 복호화할 수 없습니다. 지금의 키로 다시 암호화하십시오.`,
    en: `${name} cannot be decrypted: encrypt it again with the present key.`,
  }),
  twoKeys: {
    ko: 'PODO_SECRET_KEY와 PODO_SECRET_KEY_FILE이 둘 다 지정되어 있습니다. 하나만 남기십시오.',
    en: 'PODO_SECRET_KEY and PODO_SECRET_KEY_FILE are both given. Keep one of them.',
  },
  noKey: {
    ko: 'PODO_SECRET_KEY가 없습니다. 이미 암호화한 설정이 있으면 그때의 키를, 처음이면 "openssl rand -base64 32"의 출력을 지정하고 잘 보관하십시오.',
    en: 'PODO_SECRET_KEY is missing. Set it to the key of what is encrypted already; without any, to the output of "openssl rand -base64 32", and keep it.',
  },
  keyFileWrong: (path: string): Text => ({
    ko: `PODO_SECRET_KEY_FILE이 가리키는 ${path} 파일의 내용이 키가 아닙니다. base64나 16진수로 적은 32바이트를 한 줄에 하나씩 넣으십시오.`,
    en: `PODO_SECRET_KEY_FILE names ${path}, which must hold 32 bytes in base64 or hex (a line for each key).`,
  }),
  keyFileUnreadable: (path: string, code: string | undefined): Text => ({
    ko: `PODO_SECRET_KEY_FILE이 가리키는 ${path} 파일을 읽을 수 없습니다(${code}). 경로나 권한을 고치십시오.`,
    en: `PODO_SECRET_KEY_FILE names ${path}, which cannot be read (${code}). Correct the path or its rights.`,
  }),
  operatorKeyMissing: {
    ko: 'PODO_OPERATOR_KEY가 없습니다. 운영 환경에서는 직접 정해야 합니다. 32자 이상으로 지정하십시오.',
    en: 'PODO_OPERATOR_KEY is missing: in production you choose it. Set it to at least 32 characters.',
  },
  operatorKeyGuessable: {
    ko: 'PODO_OPERATOR_KEY는 짐작할 수 있는 값입니다. "openssl rand -hex 32"의 출력처럼 무작위 값으로 지정하십시오.',
    en: 'PODO_OPERATOR_KEY can be guessed. Set it to a random text, for example of "openssl rand -hex 32".',
  },
  formerKeyGuessable: {
    ko: 'PODO_SECRET_KEY_FORMER에 짐작할 수 있는 키가 있습니다. 그 키로 봉인한 것은 누구나 만들 수 있으므로 운영 환경에서는 쓸 수 없습니다. 지우십시오.',
    en: 'PODO_SECRET_KEY_FORMER has a key that can be guessed: anybody could make what it sealed. Remove it.',
  },
  passwordGuessable: (name: string): Text => ({
    ko: `${name}의 비밀번호는 짐작할 수 있는 값입니다. 그 사용자의 비밀번호를 무작위 값으로 바꾸십시오.`,
    en: `${name} has a password that can be guessed. Give its login a random one.`,
  }),
  clearText: (name: string): Text => ({
    ko:
      `${name}의 값이 저장소 안의 .env에 평문으로 적혀 있어 운영 환경에서는 쓸 수 없습니다. ` +
      '"podo secret encrypt"로 암호화하거나 프로세스의 환경 변수로 지정하십시오.',
    en:
      `${name} stands in clear text in .env inside the repository, which production refuses. ` +
      'Encrypt it ("podo secret encrypt"), or set it in the environment of the process.',
  }),
  halfGiven: (id: string, secret: string): Text => ({
    ko: `${id}와 ${secret} 중 하나만 있습니다. 둘 다 지정하거나 둘 다 지우십시오.`,
    en: `Only one of ${id} and ${secret} is given. Set both, or neither.`,
  }),
  kafkaSignInHalfGiven: {
    ko: 'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD 중 일부만 있습니다. 모두 지정하거나 모두 지우십시오.',
    en: 'Only some of KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are given. Set all, or none.',
  },
  kafkaPasswordInClear: {
    ko: 'KAFKA_SASL_MECHANISM이 PLAIN이면 비밀번호가 평문으로 전송됩니다. KAFKA_TLS=true로 지정하거나 SCRAM-SHA-512를 쓰십시오.',
    en: 'KAFKA_SASL_MECHANISM is PLAIN, so the password travels in the clear. Set KAFKA_TLS=true, or use SCRAM-SHA-512.',
  },
  fileUnreadable: (name: string, path: string, code: string | undefined): Text => ({
    ko: `${name}의 ${path} 파일을 읽을 수 없습니다(${code}). 경로나 권한을 고치십시오.`,
    en: `${name} names ${path}, which cannot be read (${code}). Correct the path or its rights.`,
  }),
  ownerWithoutService: {
    ko: 'DATABASE_OWNER_URL만 있고 DATABASE_URL이 없습니다. 둘 다 지정하거나, Podo의 PostgreSQL을 쓰려면 둘 다 지우십시오.',
    en: 'DATABASE_OWNER_URL is set without DATABASE_URL. Set both, or neither for the PostgreSQL of Podo.',
  },
  backupOfAnother: {
    ko: 'PODO_BACKUP_DIR은 Podo가 직접 띄운 PostgreSQL에만 쓸 수 있는데 DATABASE_URL이 지정되어 있습니다. PODO_BACKUP_DIR을 지우고 그 PostgreSQL의 백업 수단(pgBackRest 등)을 쓰십시오.',
    en: 'PODO_BACKUP_DIR is for the PostgreSQL that Podo starts itself, and DATABASE_URL names another. Remove it, and back that one up by its own means (pgBackRest, say).',
  },
  mailFromMissing: {
    ko: 'PODO_SMTP_URL만 있고 PODO_MAIL_FROM이 없습니다. 메일을 보내는 사람을 지정하십시오.',
    en: 'PODO_SMTP_URL is set without PODO_MAIL_FROM. Say who mails come from.',
  },
  alertMailUnsent: {
    ko: 'PODO_ALERT_EMAIL만 있고 PODO_SMTP_URL이 없어 경보를 메일로 보낼 수 없습니다. 메일 서버를 지정하거나 PODO_ALERT_EMAIL을 지우십시오.',
    en: 'PODO_ALERT_EMAIL is set without PODO_SMTP_URL, so no alert could be mailed. Name the mail server, or remove it.',
  },
} as const

/** All mistakes at once, for whoever starts Podo. */
export function configProblem(found: readonly Text[]): StartProblem {
  const list = (language: keyof Text) => found.map((mistake) => `  - ${mistake[language]}`).join('\n')
  return new StartProblem({
    ko: `설정에 잘못된 곳이 ${found.length}개 있습니다. 고친 뒤 다시 시작하십시오.\n${list('ko')}`,
    en: `The settings have ${found.length} mistake${found.length === 1 ? '' : 's'}. Correct and start again.\n${list('en')}`,
  })
}
