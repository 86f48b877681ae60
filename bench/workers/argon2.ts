import { openPasswords } from '#modules/identity'
import { drive, type Sample } from '../load.ts'
import { serveTasks } from '../worker.ts'

/** Passwords hashed in a process of its own, and nothing else: so many at a time as the service hashes. */
export interface Argon2Task {
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly postmaster: number
}

serveTasks<Argon2Task, Sample>(async (task) => {
  const passwords = openPasswords()
  return {
    run: () =>
      drive({
        callers: 32,
        warmUpSeconds: task.warmUpSeconds,
        seconds: task.seconds,
        watched: { processes: [process.pid], postmaster: task.postmaster },
        call: () => passwords.hash('a password of the bench'),
      }),
    close: async () => {},
  }
})
