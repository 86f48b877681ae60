import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { defineCommand } from 'citty'
import { readEncryptedSettings, readSecretKey } from '#platform/config'
import type { Text } from '#platform/problem'
import { encryptSecret } from '#platform/secrets'
import { StartProblem } from '#platform/start-problem'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'
import { carryOut, planRotation } from './secret-rotation.ts'
import { secretTexts } from './secret-texts.ts'

export const secret = defineCommand({
  meta: {
    name: 'secret',
    description: inTerminal({ ko: '설정의 비밀 값을 암호화합니다.', en: 'Encrypt secrets of the settings.' }),
  },
  subCommands: {
    encrypt: defineCommand({
      meta: {
        name: 'encrypt',
        description: inTerminal({
          ko: '표준 입력의 값을 설정에 적을 enc:… 형식으로 출력합니다.',
          en: 'Read a value from standard input and print it as enc:… for the settings.',
        }),
      },
      run: () =>
        reporting(async () => {
          const key = readSecretKey()
          // An argument would stand in the list of processes and in the shell's history.
          if (process.stdin.isTTY) say(secretTexts.prompt)
          const value = (await text(process.stdin)).replace(/\r?\n$/, '')
          if (value === '') throw new StartProblem(secretTexts.empty)
          console.log(encryptSecret(value, key))
        }),
    }),
    rotate: defineCommand({
      meta: {
        name: 'rotate',
        description: inTerminal({
          ko: '새 키를 만들고 enc:… 형식의 설정을 새 키로 다시 암호화합니다.',
          en: 'Make a new key, and encrypt by it the settings that are given as enc:….',
        }),
      },
      run: () => reporting(async () => rotate()),
    }),
  },
})

/** What is to be set goes to standard output, everything else to the other, so that the lines can be kept apart. */
function rotate(): void {
  const given = readEncryptedSettings()
  const { keyFile, envFile } = given
  const plan = planRotation(given, randomBytes(32))
  carryOut(plan)
  const { values, lines } = plan
  if (plan.writes.length > 0) say(secretTexts.written({ keyFile, envFile, values }))
  if (lines.length > 0) say(keyFile ? secretTexts.formerKept(keyFile) : secretTexts.notWritten)
  for (const line of lines) console.log(line)
  say(secretTexts.afterwards)
}

function say(sentence: Text): void {
  console.error(inTerminal(sentence))
}
