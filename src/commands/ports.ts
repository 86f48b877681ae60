import { createServer } from 'node:net'
import { StartProblem } from '#platform/start-problem'

/** Throws a StartProblem when nobody could listen there now. */
export async function assertPortFree(host: string, port: number): Promise<void> {
  const probe = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject)
      probe.listen({ host, port, exclusive: true }, resolve)
    })
  } catch (error) {
    throw listenProblem(error, host, port) ?? error
  } finally {
    probe.close()
  }
}

/** The sentence for a listening that failed, or null where the error is another. */
export function listenProblem(error: unknown, host: string, port: number): StartProblem | null {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') {
    return new StartProblem({
      ko: `${port}번 포트는 다른 프로그램이 쓰고 있습니다. 그것을 멈추거나 PORT로 다른 번호를 지정하십시오(예: PORT=${port + 1} npm start).`,
      en: `Port ${port} is in use by another program. Stop it, or choose another by PORT (for example PORT=${port + 1} npm start).`,
    })
  }
  if (code === 'EACCES') {
    return new StartProblem({
      ko: `${port}번 포트를 열 권한이 없습니다. PORT로 1024 이상의 번호를 지정하십시오.`,
      en: `This user may not listen on port ${port}. Choose one from 1024 on by PORT.`,
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
