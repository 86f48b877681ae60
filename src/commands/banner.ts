import type { Config } from '#platform/config'
import { terminalLanguage } from '#platform/start-problem'
import type { Site } from './database.ts'
import type { Service } from './service.ts'

/** What whoever started Podo wants to know, in the language of the terminal. */
export function renderBanner(shown: { config: Config; service: Service; site: Site }): string {
  const { config, service, site } = shown
  const { url, operatorKey } = service
  const isKorean = terminalLanguage(process.env) === 'ko'
  const seconds = (performance.now() / 1000).toFixed(1)
  const key = operatorKey.path ?? 'PODO_OPERATOR_KEY'
  const data = site.embedded?.folder ?? 'DATABASE_URL'
  const token = operatorKey.path ? `$(cat ${quote(operatorKey.path)})` : '$PODO_OPERATOR_KEY'
  const curl = `curl ${url}/v1/companies -H "Authorization: Bearer ${token}"`
  const lines = isKorean
    ? [
        `Podo 가 ${seconds}초 만에 준비되었습니다.`,
        `  주소          ${url}`,
        `  API 문서      ${url}/docs`,
        `  데이터        ${data}`,
        `  운영자 키     ${key}`,
        `  프로필        ${config.profile}`,
        '다음으로 해 볼 것',
        '  npm run demo',
        `  ${curl}`,
        '멈추려면 Ctrl-C 를 누르십시오.',
      ]
    : [
        `Podo is ready after ${seconds} s.`,
        `  Address       ${url}`,
        `  API page      ${url}/docs`,
        `  Data          ${data}`,
        `  Operator key  ${key}`,
        `  Profile       ${config.profile}`,
        'What to try next',
        '  npm run demo',
        `  ${curl}`,
        'Ctrl-C stops it.',
      ]
  return `\n${lines.join('\n')}\n`
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
