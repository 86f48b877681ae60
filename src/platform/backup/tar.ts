import { chown, mkdir, open } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import type { ServerUser } from '../postgres-folder.ts'

const blockBytes = 512
const types = { file: '0', folder: '5' } as const

/**
 * Unpacks what PostgreSQL sends as a base backup into a folder, for the user that runs the server: plain files and
 * folders, in the format of POSIX.1-1988. Throws where there is anything else, or where it is cut off.
 */
export async function unpackTar(
  tar: AsyncIterable<Buffer>,
  { folder, user }: { folder: string; user: ServerUser | null },
): Promise<void> {
  const bytes = openBytes(tar)
  for (;;) {
    const header = await bytes.exactly(blockBytes)
    if (header.every((byte) => byte === 0)) break
    const { name, type, size } = readHeader(header)
    const path = join(folder, insideOf(name))
    if (type === types.folder) await mkdir(path, { recursive: true, mode: 0o700 })
    else if (type === types.file) await writeEntry(path, bytes.parts(size))
    else throw new Error(`The tar holds ${name} of type ${type}`)
    if (user) await chown(path, user.uid, user.gid)
    await bytes.exactly((blockBytes - (size % blockBytes)) % blockBytes)
  }
  // What stands behind the end is read too: only a whole file has a right checksum.
  await bytes.rest()
}

function readHeader(header: Buffer): { name: string; type: string; size: number } {
  const text = (from: number, to: number) => header.toString('utf8', from, to).replace(/\0.*$/s, '')
  const prefix = text(345, 500)
  return {
    name: prefix ? `${prefix}/${text(0, 100)}` : text(0, 100),
    type: text(156, 157),
    size: Number.parseInt(text(124, 136), 8),
  }
}

function insideOf(name: string): string {
  const path = normalize(name)
  if (path.startsWith('/') || path.split('/').includes('..')) throw new Error(`The tar leads outside: ${name}`)
  return path
}

async function writeEntry(path: string, parts: AsyncIterable<Buffer>): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const part of parts) await file.writeFile(part)
  } finally {
    await file.close()
  }
}

function openBytes(source: AsyncIterable<Buffer>) {
  const chunks = source[Symbol.asyncIterator]()
  let kept: Buffer = Buffer.alloc(0)

  async function next(bytesMax: number): Promise<Buffer> {
    while (kept.length === 0) {
      const { done, value } = await chunks.next()
      if (done) throw new Error('The tar is cut off')
      kept = value
    }
    const part = kept.subarray(0, bytesMax)
    kept = kept.subarray(part.length)
    return part
  }

  async function* parts(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      const part = await next(left)
      left -= part.length
      yield part
    }
  }

  return {
    parts,
    exactly: async (count: number) => Buffer.concat(await Array.fromAsync(parts(count))),
    async rest() {
      for (let end = await chunks.next(); !end.done; end = await chunks.next());
    },
  }
}
