import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import { benches } from './catalogue.ts'
import { readEnvironment } from './environment.ts'
import { type Result, renderEnvironment, renderFindings, renderTable, toResult } from './report.ts'
import { compareWithBaseline, keepResult, saveBaseline, toJson } from './results.ts'
import { startBenchServer } from './server.ts'
import { openStage, withSeconds } from './stage.ts'

const usage = `npm run bench -- NAME… [--seconds N] [--rounds N] [--transfers N] [--json FILE]
                                   measures; \`all\` stands for every bench of the list
npm run bench -- list              what there is to measure
npm run bench -- compare [NAME…]   the last results beside the baseline
npm run bench -- baseline          makes the last results the baseline`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      transfers: { type: 'string', default: '10000000' },
      json: { type: 'string' },
    },
  })
  const [command, ...names] = positionals
  if (command === 'list') return say(renderList())
  if (command === 'compare') return say(await compareWithBaseline(names))
  if (command === 'baseline') return say(`In the baseline: ${(await saveBaseline()).join(', ')}`)
  const chosen = choose(positionals)
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
  const rounds = Number(values.rounds)
  const transfersPresent = Number(values.transfers)
  if (
    chosen.length === 0 ||
    (seconds !== undefined && !(seconds > 0)) ||
    !(rounds >= 1) ||
    !(transfersPresent >= 100_000)
  ) {
    process.stderr.write(`${usage}\n`)
    return 2
  }
  const { results, allHold } = await measure(chosen, { seconds, rounds, transfersPresent })
  if (values.json) await writeFile(values.json, toJson(results.length === 1 ? results[0] : results))
  return allHold ? 0 : 1
}

const secondsUsual = 5

function choose(names: readonly string[]): readonly Bench[] {
  if (names.length === 1 && names[0] === 'all') return benches.filter((bench) => !bench.isForDecision)
  const chosen = names.map((name) => benches.find((bench) => bench.name === name))
  return chosen.every((bench) => bench !== undefined) ? chosen : []
}

async function measure(
  chosen: readonly Bench[],
  run: { seconds: number | undefined; rounds: number; transfersPresent: number },
): Promise<{ results: Result[]; allHold: boolean }> {
  const server = await startBenchServer()
  const opened = openStage({
    ...run,
    seconds: secondsUsual,
    server,
    say: (line) => void process.stderr.write(`${line}\n`),
  })
  const results: Result[] = []
  let allHold = true
  try {
    for (const bench of chosen) {
      const stage = withSeconds(opened, run.seconds ?? bench.seconds ?? secondsUsual)
      const environment = await readEnvironment(stage.admin.sql, stage)
      say(`${bench.name}: ${bench.compares}`)
      say(renderEnvironment(environment))
      const findings = await bench.run(stage)
      const result = toResult(bench, findings, environment)
      await keepResult(result)
      results.push(result)
      allHold &&= result.ratio >= bench.must && findings.musts.every((must) => must.holds)
      say(`\n${renderFindings(bench, findings)}\n`)
    }
  } finally {
    await opened.close()
    await server.stop()
  }
  return { results, allHold }
}

function renderList(): string {
  const rows = benches.map((bench) => [bench.name, String(bench.must), String(bench.goal)])
  const [head, ...lines] = renderTable(['', 'must', 'goal'], rows).split('\n')
  return [head, ...lines.map((line, place) => `${line}  ${benches[place]!.compares}`)].join('\n')
}

function say(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

// Leaving by `exit` takes the server and the workers along.
process.once('SIGINT', () => process.exit(130))
process.exitCode = await main()
