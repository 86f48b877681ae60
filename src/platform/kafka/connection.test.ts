import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { it } from 'node:test'
import { promisify } from 'node:util'
import { root } from '#test/architecture/sources'
import { kafkaProblem } from './connection.ts'

it('the client of Kafka is not loaded with the service, but where there is a Kafka', async () => {
  const program = `
    import { registerHooks } from 'node:module'
    let isLoaded = false
    registerHooks({
      resolve(specifier, context, next) {
        isLoaded ||= specifier === '@platformatic/kafka'
        return next(specifier, context)
      },
    })
    await import('./src/app.ts')
    console.log(isLoaded)
    await import('./src/platform/kafka/hearing.ts')
    console.log(isLoaded)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: root })
  assert.equal(stdout, 'false\ntrue\n')
})

it('what is wrong with a Kafka is said once, however often and deep the client says it', () => {
  const refused = () => new Error('connect ECONNREFUSED 127.0.0.1:9092')
  const tried = new AggregateError(
    [refused(), new Error('Cannot connect', { cause: refused() })],
    'metadata failed 2 times.',
  )
  assert.equal(kafkaProblem(tried), 'connect ECONNREFUSED 127.0.0.1:9092')
  assert.equal(kafkaProblem('odd'), 'odd')
})
