/**
 * In place of `https://js.tosspayments.com/v2/standard`: `TossPayments(clientKey).payment({ customerKey })` with its
 * `requestPayment`, which leads to the window of the stand-in that served the script.
 */
export const sdk = `(() => {
  const base = new URL('.', document.currentScript.src)
  const refuse = (code, message) => Promise.reject(Object.assign(new Error(message), { code }))
  const open = (clientKey, asked) => {
    const { method = 'CARD', amount = {}, orderId, orderName, successUrl, failUrl, customerName = '' } = asked
    if (amount.currency !== 'KRW') return refuse('INVALID_CURRENCY', 'amount.currency has to be KRW')
    const absolute = (url) => new URL(url, location.href).href
    const query = { clientKey, method, orderId, orderName, customerName, amount: String(amount.value) }
    const urls = { successUrl: absolute(successUrl), failUrl: absolute(failUrl) }
    location.assign(new URL('checkout?' + new URLSearchParams({ ...query, ...urls }), base))
    return new Promise(() => {})
  }
  const TossPayments = (clientKey) => ({
    payment: ({ customerKey }) => ({
      requestPayment: (asked) => customerKey
        ? open(clientKey, asked)
        : refuse('INVALID_CUSTOMER_KEY', 'customerKey is missing'),
    }),
  })
  window.TossPayments = Object.assign(TossPayments, { ANONYMOUS: 'ANONYMOUS' })
})()
`
