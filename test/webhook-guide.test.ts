import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeSecret, signMessage } from '#modules/webhooks'
import { root } from './architecture/sources.ts'

const guides = ['docs/guide/webhooks.md', 'docs/guide/webhooks.ko.md']
const folder = await mkdtemp(join(tmpdir(), 'podo-guide-'))
after(() => rm(folder, { recursive: true }))

interface Message {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Languages of the guide: what makes a program of its example, which says for each message whether it is from Podo. */
const languages: Readonly<Record<string, { command: string; file: string; wrap(example: string): string }>> = {
  js: {
    command: process.execPath,
    file: 'example.mjs',
    wrap: (example) => `${example}
const [secret, ...messages] = process.argv.slice(2)
for (const text of messages) {
  const { headers, body } = JSON.parse(text)
  console.log(isFromPodo(headers, body, secret))
}`,
  },
  python: {
    command: 'python3',
    file: 'example.py',
    wrap: (example) => `${example}
import json, sys
for text in sys.argv[2:]:
    message = json.loads(text)
    print(str(is_from_podo(message["headers"], message["body"].encode(), sys.argv[1])).lower())`,
  },
  java: {
    command: 'java',
    file: 'Example.java',
    // A file that is run as it is begins with the class that is run, and Java has no parser of JSON.
    wrap: (example) =>
      example.replace(
        /^class /m,
        `class Example {
  public static void main(String[] given) throws Exception {
    for (int at = 1; at < given.length; at += 1) {
      String[] parts = given[at].split("\\"");
      Map<String, String> headers = Map.of(parts[3], parts[5], parts[7], parts[9], parts[11], parts[13]);
      String body = new String(Base64.getDecoder().decode(parts[17]), StandardCharsets.UTF_8);
      System.out.println(Webhooks.isFromPodo(headers, body.getBytes(StandardCharsets.UTF_8), given[0]));
    }
  }
}
class `,
      ),
  },
}

const secret = makeSecret()
const now = Math.floor(Date.now() / 1_000)
const signed = (body: string, { timestamp = now, secrets = [secret] } = {}): Message => ({
  headers: signMessage({ id: 'evt_019e5f3a7c107b3e9d425a6b7c8d9e03', timestamp, body }, secrets),
  body,
})
const right = signed('{"type":"points.spent","reason":"포도 한 송이 🍇"}')
const messages: readonly (readonly [Message, isRight: boolean])[] = [
  [right, true],
  [signed('{}', { secrets: [makeSecret(), secret] }), true],
  [signed('{}', { secrets: [makeSecret()] }), false],
  [{ ...right, body: '{"type":"points.charged"}' }, false],
  [signed('{}', { timestamp: now - 600 }), false],
  [signed('{}', { timestamp: now + 600 }), false],
]

// Asked before there are tests: whatever is waited for between two of them ends the first ones' file.
const there = await Promise.all(
  Object.values(languages).map(({ command }) =>
    run(command, ['--version']).then(
      () => true,
      () => false,
    ),
  ),
)

for (const [at, [language, { command, file, wrap }]] of Object.entries(languages).entries()) {
  const skip = there[at] ? false : `there is no ${command} on this machine`
  test(`what the guide shows in ${language} tells what is from Podo`, { skip }, async () => {
    const [example, korean] = await Promise.all(guides.map((guide) => readExample(guide, language)))
    assert.equal(korean, example)
    const path = join(folder, file)
    await writeFile(path, wrap(example!))
    const isJava = language === 'java'
    const given = messages.map(([{ headers, body }]) =>
      JSON.stringify({ headers, body: isJava ? Buffer.from(body).toString('base64') : body }),
    )
    const said = await run(command, [path, secret, ...given])
    assert.deepEqual(
      said.trim().split('\n'),
      messages.map(([, isRight]) => String(isRight)),
    )
  })
}

async function readExample(path: string, language: string): Promise<string> {
  const text = await readFile(join(root, path), 'utf8')
  const [, example] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(text) ?? []
  assert.ok(example, `${path} shows nothing in ${language}`)
  return example
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(stdout),
    )
  })
}
