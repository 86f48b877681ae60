#!/usr/bin/env node
// Plain JavaScript, because any Node may start it: it finds the Node that Podo is made for and hands over to it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const versionMin = 26
const main = join(dirname(fileURLToPath(import.meta.url)), '../src/main.ts')
const node = findNode()
if (!node) {
  const korean = /^ko/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '')
  console.error(
    korean
      ? `Node ${versionMin} 버전을 찾을 수 없습니다. Podo의 폴더에서 "npm ci"를 다시 실행하거나 Node ${versionMin} 이상을 설치하십시오.`
      : `Node ${versionMin} is missing. Run "npm ci" again in the folder of Podo, or install Node ${versionMin} or newer.`,
  )
  process.exit(1)
}

const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))

function findNode() {
  const { resolve } = createRequire(import.meta.url)
  const { platform, arch } = process
  for (const name of [`node-${platform}-${arch}`, `node-bin-${platform}-${arch}`]) {
    try {
      const path = join(dirname(resolve(`${name}/package.json`)), 'bin/node')
      if (existsSync(path)) return path
    } catch {
      // Not the package for this machine.
    }
  }
  return Number.parseInt(process.versions.node, 10) >= versionMin ? process.execPath : null
}
