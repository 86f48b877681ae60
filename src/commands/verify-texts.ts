import type { Difference, VerifyProgress } from '#modules/ledger'
import type { Text } from '#platform/problem'

const number = (value: number) => value.toLocaleString('en')

/** What `podo verify` says. */
export const verifyTexts = {
  notOwner: {
    ko: '복구는 데이터베이스의 소유자만 할 수 있습니다. DATABASE_OWNER_URL에 소유자의 주소를 적은 다음 다시 실행해 주십시오.',
    en: 'Only the owner of the database can repair it. Name the owner in DATABASE_OWNER_URL and run this again.',
  },
  sound: (it: { transfers: number; accounts: number; seconds: number }): Text => ({
    ko: `거래 ${number(it.transfers)}건과 계정 ${number(it.accounts)}개가 모두 원장과 일치합니다(${it.seconds.toFixed(1)}초).`,
    en: `${number(it.transfers)} transfers and ${number(it.accounts)} accounts agree with the journal (${it.seconds.toFixed(1)} s).`,
  }),
  differs: (count: number): Text => ({
    ko: `원장과 다른 곳이 ${number(count)}개 있습니다.`,
    en: `${count === 1 ? '1 difference' : `${number(count)} differences`} from the journal.`,
  }),
  howToRepair: {
    ko: '원장으로 되살리려면 --repair를 붙여 다시 실행해 주십시오.',
    en: 'To make it again from the journal, run this with --repair.',
  },
  mended: (count: number): Text => ({
    ko: `${number(count)}개를 복구하고 ledger.repair에 기록했습니다.`,
    en: `${number(count)} mended, and written down in ledger.repair.`,
  }),
  writtenDown: (count: number): Text => ({
    ko: `거래 ${number(count)}건에 틀린 잔액이 적혀 있습니다. 원장은 바꾸지 않으므로 ledger.repair에 기록해 두었습니다.`,
    en: `${count === 1 ? '1 transfer says' : `${number(count)} transfers say`} a wrong balance. The journal is never changed; it is written down in ledger.repair.`,
  }),
  left: {
    ko: '복구하지 못한 것이 있습니다. 원장 자체가 어긋난 계정은 백업과 비교해 원인을 먼저 찾아 주십시오.',
    en: 'Some could not be mended. Where the journal contradicts itself, compare with a backup and find the cause first.',
  },
  failed: (account: string, reason: string): Text => ({
    ko: `복구하지 못함: ${account} (${reason})`,
    en: `Not mended: ${account} (${reason})`,
  }),
  difference: (it: Omit<Difference, 'accountId'> & { account: string | null }): Text => ({
    ko: `${kinds[it.kind].ko} ${it.id} ${it.field}: 원장 ${it.expected ?? '없음'}, 실제 ${it.found ?? '없음'}${it.account ? ` (${it.account})` : ''}`,
    en: `${kinds[it.kind].en} ${it.id} ${it.field}: expected ${it.expected ?? 'nothing'}, found ${it.found ?? 'nothing'}${it.account ? ` (${it.account})` : ''}`,
  }),
} as const

const kinds: Readonly<Record<Difference['kind'], Text>> = {
  account: { ko: '계정', en: 'account' },
  lot: { ko: '로트', en: 'lot' },
  hold: { ko: '홀드', en: 'hold' },
  balance: { ko: '누적 잔액', en: 'balance' },
  watermark: { ko: '누적 위치', en: 'watermark' },
  journal: { ko: '거래', en: 'transfer' },
}

/** What is being looked through, for the bar. */
export const stepTexts: Readonly<Record<VerifyProgress['step'], Text>> = {
  journal: { ko: '거래', en: 'journal' },
  reversals: { ko: '환불', en: 'refunds' },
  accounts: { ko: '계정', en: 'accounts' },
  holds: { ko: '홀드', en: 'holds' },
  balances: { ko: '누적 잔액', en: 'balances' },
}
