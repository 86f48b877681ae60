import { openDatabase } from '#platform/database'
import { migrate } from '#platform/migrations'

/** Passwords of the roles on a test server; they guard nothing but a port of this machine for the time of a run. */
const rolePasswords = { podo_owner: 'owner-of-the-tests', podo_service: 'service-of-the-tests' } as const

/** The database that each test's own is a copy of. */
export const templateName = 'podo_template'

/** Gives a fresh server a migrated template database, and its roles the passwords that `urlFor` knows. */
export async function makeTemplate(adminUrl: string): Promise<void> {
  const admin = openDatabase({ url: adminUrl, poolSize: 1, statementTimeoutMs: 60_000 })
  try {
    for (const [role, password] of Object.entries(rolePasswords)) {
      await admin.sql.run(`alter role ${role} password '${password}'`)
    }
    await admin.sql.run(`create database ${templateName} owner podo_owner`)
    await migrate({ url: urlFor(adminUrl, templateName, 'podo_owner') })
  } finally {
    await admin.close()
  }
}

/**
 * The address of a database on the server of `adminUrl` (or the servers), for one of its roles or, without one, its
 * superuser.
 */
export function urlFor(adminUrl: string, database: string, role?: keyof typeof rolePasswords): string {
  const [, scheme, admin, hosts, query] = /^(\w+:\/\/)([^@]+)@([^/]+)\/[^?]*(.*)$/.exec(adminUrl)!
  const login = role ? `${role}:${rolePasswords[role]}` : admin
  return `${scheme}${login}@${hosts}/${database}${query}`
}
