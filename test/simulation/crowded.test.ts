import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { openHouse, until } from '#test/harness'
import { offer, openCrossing, quantileOf, type Step } from '../../bench/arrivals.ts'
import { postHead, postTail } from '../../bench/http-connection.ts'
import { operatorKey } from '../api-house.ts'
import { assertHonest, settle } from './caller.ts'
import { openProgramme } from './programme.ts'
import { type Heard, startService } from './service.ts'
import { assertSound } from './soundness.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const callers = 256
const turns = isLong ? 40 : 4

const house = await openHouse({ after })
// As few connections and as short a queue as the settings allow, against a crowd.
const narrow = await startService(house, { settings: { PODO_POOL_SIZE: '2', PODO_LANE_QUEUE_MAX: '100' } })

test('callers who far outnumber the connections are all answered, on one wallet and on many', async () => {
  for (const wallets of [1, 64]) {
    const { companyId, walletIds } = await openProgramme(narrow, { wallets, points: 1_000_000 })
    const before = await countTransfers()
    const work = async (caller: number) => {
      let booked = 0
      for (let turn = 0; turn < turns; turn += 1) {
        const walletId = walletIds[(caller + turn) % wallets]!
        const key = `many-${wallets}-${caller}-${turn}`
        const ask = askOf((caller + turn) % 4, { walletId, companyId })
        const answer = await settle(narrow, { ...ask, key })
        if (answer.status === 201 && !ask.path.endsWith('/members')) booked += 1
      }
      return booked
    }
    const booked = await Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)))
    assert.equal(
      (await countTransfers()) - before,
      booked.reduce((total, each) => total + each),
    )
  }
  await assertSound(house)
})

test('256 callers at once hear 201, 409 or 503 with Retry-After and nothing else, and what was refused has no effect', async () => {
  const { companyId, walletIds } = await openProgramme(narrow, { wallets: 3, points: 1_000_000 })
  const before = await countTransfers()
  const heard: Heard[] = []
  const ask = async (caller: number, turn: number) => {
    const answer = await narrow.send(askOf([0, 1, 3][turn % 3]!, { walletId: walletIds[caller % 3]!, companyId }))
    assertHonest(answer)
    heard.push(answer)
  }
  for (let turn = 0; turn < 3 * turns; turn += 1) {
    await Promise.all(Array.from({ length: callers }, (_, caller) => ask(caller, turn)))
  }
  const count = (status: number) => heard.filter((answer) => answer.status === status).length
  for (const status of [201, 409, 503]) assert.ok(count(status) > 0, `nobody heard ${status}`)
  assert.equal((await countTransfers()) - before, count(201))
})

test('at twice what it takes the service does what it can, refuses the rest at once, and is well right after', async (t) => {
  const { walletIds } = await openProgramme(narrow, { wallets: 1, points: 1_000_000 })
  const walletId = walletIds[0]!
  const crossing = await openCrossing([Number(new URL(await narrow.url()).port)], 500)
  t.after(() => crossing.close())
  const spend = postHead(`/v1/wallets/${walletId}/spends`, operatorKey)
  let asked = 0
  const nextRequest = () => {
    asked += 1
    return spend + postTail(`flood-${asked}`, '{"amount":1}')
  }
  const seconds = isLong ? 10 : 1
  const steps: Step[] = []
  // What it takes is not known beforehand: twice as much, until much of it is refused.
  for (let perSecond = 1_000; steps.length < 6 && (steps.at(-1)?.refusedMs.length ?? 0) < perSecond / 8; perSecond *= 2)
    steps.push(await offer(crossing, { perSecond, seconds, nextRequest }))
  assert.equal(await crossing.send(nextRequest()), 201)
  const flood = steps.at(-1)!
  const most = Math.max(...steps.map(({ donePerSecond }) => donePerSecond))
  const [done, refused] = [quantileOf(flood.doneMs, 0.99), quantileOf(flood.refusedMs, 0.99)]
  t.diagnostic(
    `of ${flood.offeredPerSecond} a second ${Math.round(flood.donePerSecond)} were done, p99 ${Math.round(done!)} ms, ` +
      `the others refused, p99 ${Math.round(refused!)} ms; at most ${Math.round(most)} were done`,
  )
  assert.ok(refused !== null, 'nothing was refused')
  // In a second, others on the machine decide how quick anything is.
  assert.ok(flood.donePerSecond > most / (isLong ? 4 : 10), 'little was done any more')
  if (isLong) assert.ok(done! < 2_500 && refused < 1_000)
  const spent = steps.reduce((sum, { doneMs }) => sum + doneMs.length, 1)
  const { body } = await narrow.send({ method: 'GET', path: `/v1/wallets/${walletId}` })
  assert.equal(body.balance, 1_000_000 - spent)
})

/** One of what a crowd asks: a charge, a spend, a new member, or a spend of more than there is. */
function askOf(which: number, { walletId, companyId }: { walletId: string; companyId: string }) {
  const at = `/v1/wallets/${walletId}`
  if (which === 0) return { path: `${at}/charges`, body: { amount: 2, class: 'bonus' } }
  if (which === 1) return { path: `${at}/spends`, body: { amount: 1 } }
  if (which === 2) return { path: `/v1/companies/${companyId}/members`, body: { nickname: 'One of a crowd' } }
  return { path: `${at}/spends`, body: { amount: 1_000_000_000 } }
}

test('who breaks off a request midway has done nothing, and who leaves before the answer learns it by the same key', async () => {
  const { walletIds } = await openProgramme(narrow, { wallets: 1, points: 1_000 })
  const path = `/v1/wallets/${walletIds[0]}/spends`
  const before = await countTransfers()
  const fifty = Array.from({ length: 50 }, (_, at) => at)
  const json = JSON.stringify(one)
  await Promise.all(
    fifty.map((at) => leave(head(path, { key: `half-${at}`, length: json.length }) + json.slice(0, -1))),
  )
  await Promise.all(fifty.map((at) => leave(head(path, { key: `left-${at}`, length: json.length }) + json)))
  const settled = await Promise.all(fifty.map((at) => settle(narrow, { path, body: one, key: `left-${at}` })))
  assert.equal(new Set(settled.map(({ body }) => body.id)).size, 50)
  assert.equal((await countTransfers()) - before, 50)
})

test('callers who trickle their bodies keep nobody waiting, and are cut off in the end', async () => {
  const { walletIds } = await openProgramme(narrow, { wallets: 1, points: 1_000 })
  const path = `/v1/wallets/${walletIds[0]}/spends`
  const before = await countTransfers()
  const slow = await Promise.all(Array.from({ length: 100 }, dial))
  const heard = slow.map(() => '')
  slow.forEach((socket, at) => {
    socket.setEncoding('utf8').on('data', (part: string) => {
      heard[at] += part
    })
    socket.write(`${head(path, { key: `slow-${at}`, length: 1_000_000 })}{"amount":`)
  })
  const trickle = () => {
    for (const socket of slow) if (socket.writable) socket.write(' ')
  }
  for (let turn = 0; turn < 10; turn += 1) {
    trickle()
    const quick = Array.from({ length: 10 }, (_, at) => narrow.send({ path, body: one, key: `quick-${turn}-${at}` }))
    for (const { status, text } of await Promise.all(quick)) assert.equal(status, 201, text)
  }
  const isOver = () => {
    trickle()
    return slow.every((socket) => socket.closed)
  }
  // That a limit is set at all is proved beside the server; to see it come takes longer than a short run has.
  if (isLong) await until('the slow were cut off', isOver, { timeoutMs: 20_000 })
  for (const socket of slow) socket.destroy()
  if (isLong) for (const text of heard) assert.match(text, /^HTTP\/1.1 408 /)
  assert.equal((await countTransfers()) - before, 100)
})

const one = { amount: 1 }

async function countTransfers(): Promise<number> {
  const [row] = await house.ownerSql.rows<{ count: number }>('select count(*) from ledger.transfer')
  return row!.count
}

function head(path: string, { key, length }: { key: string; length: number }): string {
  return [
    `POST ${path} HTTP/1.1`,
    'Host: podo',
    `Authorization: Bearer ${operatorKey}`,
    'Content-Type: application/json',
    `Idempotency-Key: ${key}`,
    `Content-Length: ${length}`,
    '\r\n',
  ].join('\r\n')
}

async function dial(): Promise<Socket> {
  const socket = connect(Number(new URL(await narrow.url()).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends so much and is gone. */
async function leave(text: string): Promise<void> {
  const socket = await dial()
  socket.write(text, () => socket.destroy())
  await once(socket, 'close')
}
