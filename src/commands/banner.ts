import type { Config } from '#platform/config'
import { terminalLanguage } from '#platform/start-problem'
import type { Site } from './database.ts'
import type { Service } from './service.ts'

interface Shown {
  readonly config: Config
  readonly service: Service
  readonly site: Site
}

/** What whoever started Podo wants to know, in the language of the terminal. */
export function renderBanner(shown: Shown): string {
  const { config, service } = shown
  const { url, operatorKey } = service
  const { data, operatorKeyIn: key } = places(shown)
  const isKorean = terminalLanguage(process.env) === 'ko'
  const seconds = (performance.now() / 1000).toFixed(1)
  const token = operatorKey.path ? `$(cat ${quote(operatorKey.path)})` : '$PODO_OPERATOR_KEY'
  const curl = `curl ${url}/v1/companies -H "Authorization: Bearer ${token}"`
  const lines = isKorean
    ? [
        `Podo가 ${seconds}초 만에 준비되었습니다.`,
        `  주소          ${url}`,
        `  API 문서      ${docsOf(url)}`,
        `  데이터        ${data}`,
        `  운영자 키     ${key}`,
        `  프로필        ${config.profile}`,
        '다음으로 해 볼 것',
        '  npm run demo',
        `  ${curl}`,
        '멈추려면 Ctrl-C를 누르십시오.',
      ]
    : [
        `Podo is ready after ${seconds} s.`,
        `  Address       ${url}`,
        `  API page      ${docsOf(url)}`,
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

/** Where everything is, for a line of the log; of the operator's key its place, never the key. A worker has no API. */
export function places({ config, service, site }: Shown) {
  const { url, operatorKey, durability } = service
  const ofWorker = { health: `${url}/health/ready`, metrics: `${url}/metrics` }
  return {
    url,
    ...(config.role === 'worker' ? ofWorker : { docs: docsOf(url) }),
    data: site.embedded?.folder ?? 'DATABASE_URL',
    operatorKeyIn: operatorKey.path ?? 'PODO_OPERATOR_KEY',
    durability,
  }
}

function docsOf(url: string): string {
  return `${url}/docs`
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
