import { createServer } from 'node:net'
import type { Config } from '#platform/config'
import { StartProblem } from '#platform/start-problem'

/** Throws a StartProblem when nobody could listen now where a process of this role does. */
export async function assertPortFree(config: Config): Promise<void> {
  const { host } = config
  const { port } = portOf(config)
  const probe = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject)
      probe.listen({ host, port, exclusive: true }, resolve)
    })
  } catch (error) {
    throw listenProblem(error, config) ?? error
  } finally {
    probe.close()
  }
}

/** The sentence for a listening that failed, or null where the error is another. */
export function listenProblem(error: unknown, config: Config): StartProblem | null {
  const { host } = config
  const { port, setting, start } = portOf(config)
  const other = `${setting}=${port + 1} ${start}`
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') {
    return new StartProblem({
      ko: `${port}번 포트는 다른 프로그램이 쓰고 있습니다. 그것을 멈추거나 ${setting}로 다른 번호를 지정하십시오(예: ${other}).`,
      en: `Port ${port} is in use by another program. Stop it, or choose another by ${setting} (for example ${other}).`,
    })
  }
  if (code === 'EACCES') {
    return new StartProblem({
      ko: `${port}번 포트를 열 권한이 없습니다. ${setting}로 1024 이상의 번호를 지정하십시오.`,
      en: `This user may not listen on port ${port}. Choose one from 1024 on by ${setting}.`,
    })
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new StartProblem({
      ko: `HOST에 적힌 주소(${host})는 이 컴퓨터의 것이 아닙니다. HOST를 고치십시오(이 컴퓨터에서만 쓰려면 127.0.0.1, 모두에게 열려면 0.0.0.0).`,
      en: `${host} is no address of this machine. Correct HOST (127.0.0.1 for this machine only, 0.0.0.0 for everybody).`,
    })
  }
  return null
}

/** Where a process listens, the setting that says so, and the command that starts one. */
function portOf({ role, port, workerPort }: Config) {
  return role === 'worker'
    ? { port: workerPort, setting: 'WORKER_PORT', start: 'npx podo serve --role worker' }
    : { port, setting: 'PORT', start: 'npm start' }
}
