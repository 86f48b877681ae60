import type { Text } from '#platform/problem'

/** What `podo secret` says. */
export const secretTexts = {
  empty: {
    ko: '표준 입력에 값이 없습니다. 암호화할 값을 넣어 다시 실행하십시오.',
    en: 'There is no value on standard input. Run it again with the value to encrypt.',
  },
  prompt: {
    ko: '값을 입력하고 Enter와 Ctrl-D를 누르십시오.',
    en: 'Type the value, then Enter and Ctrl-D.',
  },
  written: (it: { keyFile: string | null; envFile: string; values: number }): Text => ({
    ko:
      `${it.keyFile ?? it.envFile} 파일의 키를 새 키로 바꾸었습니다. ` +
      `${it.envFile} 파일에서 새 키로 다시 암호화한 값: ${it.values}개.`,
    en:
      `${it.keyFile ?? it.envFile} holds a new key. ` +
      `${it.values === 1 ? '1 value' : `${it.values} values`} in ${it.envFile} encrypted again by it.`,
  }),
  formerKept: (keyFile: string): Text => ({
    ko:
      '프로세스의 환경 변수에 있는 값은 이 명령으로 바꿀 수 없습니다. 환경 변수를 아래와 같이 바꾸십시오. ' +
      `그때까지 ${keyFile} 파일에 그 값의 키도 남겨 둡니다.`,
    en:
      'Values in the environment of the process are not for this command to change. Set them as follows. ' +
      `Until then ${keyFile} keeps the key of theirs as well.`,
  }),
  notWritten: {
    ko: '키나 값이 프로세스의 환경 변수에 있어 아무것도 기록하지 않았습니다. 다음 설정을 모두 함께 바꾸십시오.',
    en: 'The key or a value is in the environment of the process, so nothing was written. Set all of these together.',
  },
  afterwards: {
    ko:
      'Podo의 프로세스를 모두 함께 다시 시작하십시오. 서비스가 데이터베이스에 봉인해 둔 것을 읽을 수 있도록 이전 키도 ' +
      '남겨 두었으므로 잃는 것은 없습니다. 이전 키가 유출되었다면 이전 키를 지우는 방법을 docs/guide/operating.ko.md에서 ' +
      '확인하십시오. 새 키를 백업과 다른 곳에 보관하십시오.',
    en:
      'Start all processes of Podo again, together. Nothing is lost: the former key is kept, for what the service sealed ' +
      'by it in the database. If somebody has seen the former key, docs/guide/operating.md says how to drop it. ' +
      'Keep the new key, elsewhere than the backups.',
  },
  notOneLine: (name: string): Text => ({
    ko: `.env에서 ${name}의 값을 찾아 바꿀 수 없습니다. 한 줄에 "${name}=값" 형식으로 적은 다음 다시 실행하십시오.`,
    en: `The value of ${name} in .env cannot be replaced. Write it in one line, as ${name}=…, and run this again.`,
  }),
  changedMeanwhile: (path: string): Text => ({
    ko: `${path} 파일이 그사이에 바뀌어 중단했습니다. 설정은 그대로 읽을 수 있습니다. 다시 실행하십시오.`,
    en: `${path} was changed meanwhile, so this stopped. The settings can be read as before. Run this again.`,
  }),
  unwritable: (path: string, code: string): Text => ({
    ko: `${path} 파일을 바꿀 수 없어 중단했습니다(${code}). 설정은 그대로 읽을 수 있습니다. 권한이나 디스크를 확인하십시오.`,
    en: `${path} cannot be replaced (${code}), so this stopped. The settings can be read as before. See to its rights, or to the disk.`,
  }),
} as const
