import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openApiHouse } from './api-house.ts'
import { root } from './architecture/sources.ts'
import { generateFiles } from './generated/files.ts'
import { freshServer } from './harness.ts'

const endings: (() => Promise<void> | void)[] = []
const scope = { after: (run: () => Promise<void> | void) => void endings.unshift(run) }
try {
  const { adminUrl } = await freshServer(scope, { durable: false })
  const house = await openApiHouse(scope, { adminUrl })
  for (const { path, text } of await generateFiles(house)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
    console.log(path)
  }
} finally {
  for (const ending of endings) await ending()
}
