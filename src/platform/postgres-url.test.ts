import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPostgresUrl, parsePostgresUrl } from './postgres-url.ts'

test('an address names one host or several, and what a session there must be like, as libpq writes it', () => {
  const several = parsePostgresUrl(
    'postgresql://podo%40x:p%2C%40@db1,[fd00::2]:6432,db3:5433/podo?sslmode=verify-full&target_session_attrs=primary',
  )!
  assert.deepEqual(several, {
    each: ['db1', '[fd00::2]:6432', 'db3:5433'].map(
      (host) => `postgresql://podo%40x:p%2C%40@${host}/podo?sslmode=verify-full&target_session_attrs=primary` as const,
    ),
    wish: 'primary',
    place: 'db1:5432,[fd00::2]:6432,db3:5433/podo',
    username: 'podo%40x',
    password: 'p%2C%40',
  })
  assert.equal(parsePostgresUrl('postgres://a:b@db/podo')!.wish, 'any')
  assert.equal(parsePostgresUrl('postgres://a:b@db1,db2/podo')!.wish, 'read-write')
})

test('what is no address of a PostgreSQL is known for it, however close it comes', () => {
  const login = 'postgres://a:b@'
  for (const url of [`${login}db`, `${login}db1,db2:1/p`, 'postgres:///podo?host=/run', 'postgresql://db/p']) {
    assert.equal(isPostgresUrl(url), true, url)
  }
  const wrong = [`${login}db1,/p`, `${login},db2/p`, `${login}db1:x,db2/p`, `${login}db1,db2:99999/p`, 'db1,db2', '']
  for (const url of [...wrong, `${login}db/p?target_session_attrs=master`, 'mysql://db/p']) {
    assert.equal(isPostgresUrl(url), false, url)
  }
})
