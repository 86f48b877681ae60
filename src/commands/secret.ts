import { text } from 'node:stream/consumers'
import { defineCommand } from 'citty'
import { readSecretKey } from '#platform/config'
import type { Text } from '#platform/problem'
import { encryptSecret } from '#platform/secrets'
import { terminalLanguage } from '#platform/start-problem'
import { reporting } from './plain.ts'

const prompt: Text = {
  ko: '값을 입력하고 Enter와 Ctrl-D를 누르십시오.',
  en: 'Type the value, then Enter and Ctrl-D.',
}

export const secret = defineCommand({
  meta: { name: 'secret', description: 'Secrets of the settings' },
  subCommands: {
    encrypt: defineCommand({
      meta: { name: 'encrypt', description: 'Read a value from standard input and print it as enc:… for the settings' },
      run: () =>
        reporting(async () => {
          const key = readSecretKey()
          // An argument would stand in the list of processes and in the shell's history.
          if (process.stdin.isTTY) console.error(prompt[terminalLanguage(process.env)])
          const value = (await text(process.stdin)).replace(/\r?\n$/, '')
          console.log(encryptSecret(value, key))
        }),
    }),
  },
})
