import { text } from 'node:stream/consumers'
import { defineCommand } from 'citty'
import { readSecretKey } from '#platform/config'
import { encryptSecret } from '#platform/secrets'
import { plainly } from './plain.ts'

export const secret = defineCommand({
  meta: { name: 'secret', description: 'Secrets of the settings' },
  subCommands: {
    encrypt: defineCommand({
      meta: { name: 'encrypt', description: 'Read a value from standard input and print it as enc:… for the settings' },
      run: () =>
        plainly(async () => {
          const key = readSecretKey()
          // An argument would stand in the list of processes and in the shell's history.
          if (process.stdin.isTTY) console.error('Type the value, then Enter and Ctrl-D.')
          const value = (await text(process.stdin)).replace(/\r?\n$/, '')
          console.log(encryptSecret(value, key))
        }),
    }),
  },
})
