import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from '#platform/database'

/** Passwords of the roles on a test server; they guard nothing but a port of this machine for the time of a run. */
export const rolePasswords = { podo_owner: 'owner-of-the-tests', podo_service: 'service-of-the-tests' } as const

/** The database that each test's own is a copy of. */
export const templateName = 'podo_template'

/** Gives a fresh server the roles of the service and a migrated template database. */
export async function makeTemplate(adminUrl: string): Promise<void> {
  const admin = openDatabase({ url: adminUrl, poolSize: 1, statementTimeoutMs: 60_000 })
  try {
    await admin.sql.run(`create role podo_owner login createrole password '${rolePasswords.podo_owner}'`)
    await admin.sql.run(`create database ${templateName} owner podo_owner`)
    await migrateAsOwner(urlFor(adminUrl, templateName, 'podo_owner'))
    await admin.sql.run(`alter role podo_service login password '${rolePasswords.podo_service}'`)
  } finally {
    await admin.close()
  }
}

/** The address of a database on the server of `adminUrl`, for one of its roles. */
export function urlFor(adminUrl: string, database: string, role?: keyof typeof rolePasswords): string {
  const url = new URL(adminUrl)
  url.pathname = database
  if (role) {
    url.username = role
    url.password = rolePasswords[role]
  }
  return url.href
}

async function migrateAsOwner(ownerUrl: string): Promise<void> {
  const owner = openDatabase({ url: ownerUrl, poolSize: 1, statementTimeoutMs: 60_000 })
  const folder = join(import.meta.dirname, '..', 'migrations')
  try {
    await owner.sql.run('create schema if not exists platform')
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()) {
      const text = await readFile(join(folder, file), 'utf8')
      await owner.transaction(
        async (sql) => void (await sql.run(`do $migration$ begin execute $text$${text}$text$; end $migration$`)),
      )
    }
  } finally {
    await owner.close()
  }
}
