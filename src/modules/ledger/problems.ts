import { defineProblems } from '#platform/problem'

/** How the ledger refuses. */
export const ledgerProblems = defineProblems('ledger', {
  insufficientPoints: {
    status: 409,
    title: { ko: '포인트가 부족합니다', en: 'Not enough points' },
    detail: {
      ko: '{required}포인트가 필요하지만 {available}포인트만 사용할 수 있습니다.',
      en: '{required} points are needed and {available} are available.',
    },
  },
  balanceLimit: {
    status: 409,
    title: { ko: '잔액 한도를 넘습니다', en: 'The balance would pass its bound' },
    detail: {
      ko: '지갑 하나에는 최대 {limit}포인트까지 담을 수 있습니다. 아무것도 옮겨지지 않았습니다.',
      en: 'A wallet holds at most {limit} points. Nothing was moved.',
    },
  },
  walletClosed: {
    status: 409,
    title: { ko: '닫힌 지갑입니다', en: 'The wallet is closed' },
    detail: {
      ko: '지갑의 주인이 탈퇴해 포인트를 더 받을 수 없습니다. 돌려줄 것이 있으면 다른 방법으로 돌려주십시오.',
      en: 'Its owner has left, and nothing comes in any more. Pay back what is owed in another way.',
    },
  },
  walletUnknown: {
    status: 404,
    title: { ko: '지갑을 찾을 수 없습니다', en: 'No such wallet' },
    detail: { ko: '지갑 ID를 확인해 주십시오.', en: 'Check the id of the wallet.' },
  },
  merchantUnknown: {
    status: 404,
    title: { ko: '가맹점을 찾을 수 없습니다', en: 'No such merchant' },
    detail: { ko: '가맹점(회사) ID를 확인해 주십시오.', en: 'Check the id of the merchant: it is that of a company.' },
  },
  transferUnknown: {
    status: 404,
    title: { ko: '거래를 찾을 수 없습니다', en: 'No such transfer' },
    detail: { ko: '거래 ID를 확인해 주십시오.', en: 'Check the id of the transfer.' },
  },
  holdUnknown: {
    status: 404,
    title: { ko: '홀드를 찾을 수 없습니다', en: 'No such hold' },
    detail: { ko: '홀드 ID를 확인해 주십시오.', en: 'Check the id of the hold.' },
  },
  lotUnknown: {
    status: 404,
    title: { ko: '로트를 찾을 수 없습니다', en: 'No such lot' },
    detail: { ko: '로트 ID를 확인해 주십시오.', en: 'Check the id of the lot.' },
  },
  sameWallet: {
    status: 400,
    title: { ko: '같은 지갑으로는 옮길 수 없습니다', en: 'A wallet cannot move points to itself' },
    detail: { ko: '받는 지갑을 다르게 지정해 주십시오.', en: 'Name another wallet to receive the points.' },
  },
  expiresInPast: {
    status: 400,
    title: { ko: '만료 시각이 이미 지났습니다', en: 'The expiry has passed already' },
    detail: { ko: '현재보다 나중인 만료 시각을 보내 주십시오.', en: 'Send an expiry later than the present.' },
  },
  notRefundable: {
    status: 409,
    title: { ko: '환불할 수 없는 거래입니다', en: 'This transfer cannot be refunded' },
    detail: {
      ko: '사용 거래와 확정된 홀드만 환불할 수 있습니다.',
      en: 'Only a spend, or the post of a hold, can be refunded.',
    },
  },
  refundTooLarge: {
    status: 409,
    title: { ko: '환불 가능한 금액을 넘습니다', en: 'More than is left to refund' },
    detail: {
      ko: '이 거래에서 환불할 수 있는 금액은 {refundable}포인트입니다.',
      en: '{refundable} points of this transfer are left to refund.',
    },
  },
  notCancellable: {
    status: 409,
    title: { ko: '취소할 수 없는 거래입니다', en: 'This transfer cannot be cancelled' },
    detail: { ko: '충전과 지급 거래만 취소할 수 있습니다.', en: 'Only a charge or a grant can be cancelled.' },
  },
  alreadyCancelled: {
    status: 409,
    title: { ko: '이미 취소된 거래입니다', en: 'Cancelled already' },
    detail: { ko: '충전은 한 번만 취소할 수 있습니다.', en: 'A charge can be cancelled once.' },
  },
  lotTouched: {
    status: 409,
    title: { ko: '충전한 포인트가 온전하지 않습니다', en: 'Some of the points were used' },
    detail: {
      ko: '사용되거나 홀드되거나 만료된 포인트가 없을 때만 취소할 수 있습니다. {amount}포인트 중 {free}포인트가 남아 있습니다.',
      en: 'A charge can be cancelled while none of it is spent, held or expired. {free} of {amount} points are free.',
    },
  },
  lotNotPaid: {
    status: 409,
    title: { ko: '유상 포인트가 아닙니다', en: 'Not a paid lot' },
    detail: { ko: '유상 포인트만 현금으로 돌려받을 수 있습니다.', en: 'Only paid points can be paid out.' },
  },
  holdNotPending: {
    status: 409,
    title: { ko: '이미 끝난 홀드입니다', en: 'The hold is not pending' },
    detail: { ko: '홀드의 현재 상태는 {holdStatus}입니다.', en: 'The hold is {holdStatus} already.' },
  },
  postTooLarge: {
    status: 409,
    title: { ko: '홀드한 금액을 넘습니다', en: 'More than is held' },
    detail: { ko: '이 홀드에 잡힌 금액은 {held}포인트입니다.', en: 'This hold holds {held} points.' },
  },
})
