import { defineProblems, type FieldError, Problem } from './problem.ts'

/** How the HTTP server itself refuses. */
export const httpProblems = defineProblems('http', {
  invalidRequest: {
    status: 400,
    title: { ko: '요청이 올바르지 않습니다', en: 'The request is not valid' },
    detail: {
      ko: 'errors에 적힌 항목을 고쳐서 다시 보내 주십시오.',
      en: 'Correct what errors names, and send it again.',
    },
  },
  malformedHttp: {
    status: 400,
    title: { ko: 'HTTP 요청을 읽을 수 없습니다', en: 'Not an HTTP request' },
    detail: {
      ko: '연결로 들어온 내용이 HTTP/1.1 요청이 아닙니다. http와 https를 확인하고, 주소의 한글은 퍼센트 인코딩(%ED…)해 주십시오.',
      en: 'This is no HTTP/1.1 request. Check http or https, and percent-encode what is not ASCII in the address (%ED…).',
    },
  },
  hostMissing: {
    status: 400,
    title: { ko: 'Host 헤더가 없습니다', en: 'The Host header is missing' },
    detail: {
      ko: 'HTTP/1.1 요청에는 Host 헤더를 하나 넣어 주십시오.',
      en: 'Send a Host header: every HTTP/1.1 request has one.',
    },
  },
  unauthenticated: {
    status: 401,
    title: { ko: '인증이 필요합니다', en: 'Authentication is needed' },
    detail: {
      ko: 'Authorization 헤더에 올바른 API 키나 액세스 토큰을 Bearer로 넣어 주십시오. 토큰이 끝났다면 갱신하거나 다시 로그인해 주십시오.',
      en: 'Send a valid API key or access token as Bearer. Where a token has run out, refresh the session or sign in again.',
    },
  },
  forbidden: {
    status: 403,
    title: { ko: '권한이 없습니다', en: 'Not allowed' },
    detail: {
      ko: '누가 이 요청을 할 수 있는지는 API 문서의 x-podo-access에 있습니다.',
      en: 'The API document says in x-podo-access who may do this.',
    },
  },
  scopeMissing: {
    status: 403,
    title: { ko: '키에 이 권한 범위가 없습니다', en: 'The key lacks a scope' },
    detail: {
      ko: '이 요청에는 {scope} 범위가 있는 키가 필요합니다.',
      en: 'This takes a key with the scope {scope}.',
    },
  },
  crossSite: {
    status: 403,
    title: { ko: '다른 사이트의 페이지에서 보낸 요청입니다', en: 'The request comes from a page of another site' },
    detail: {
      ko: '쿠키를 쓰는 요청은 이 서비스나 PODO_CORS_ORIGINS에 적힌 출처의 페이지에서만 보낼 수 있습니다.',
      en: 'With cookies, only pages of this service and of the origins in PODO_CORS_ORIGINS may change something.',
    },
  },
  notFound: {
    status: 404,
    title: { ko: '주소를 찾을 수 없습니다', en: 'No such address' },
    detail: { ko: '요청 경로를 확인해 주십시오.', en: 'Check the path of the request.' },
  },
  methodNotAllowed: {
    status: 405,
    title: { ko: '허용되지 않는 메서드입니다', en: 'The method is not allowed' },
    detail: {
      ko: '이 주소에서는 {allow} 메서드를 사용할 수 있습니다.',
      en: 'This address answers to {allow}.',
    },
  },
  notAcceptable: {
    status: 406,
    title: { ko: '요청한 형식으로 답할 수 없습니다', en: 'Not available in that format' },
    detail: {
      ko: 'Accept 헤더에 application/json을 넣어 주십시오.',
      en: 'Let the Accept header include application/json.',
    },
  },
  requestTimeout: {
    status: 408,
    title: { ko: '요청이 제시간에 도착하지 않았습니다', en: 'The request took too long to arrive' },
    detail: { ko: '요청을 처음부터 다시 보내 주십시오.', en: 'Send the request again from its beginning.' },
  },
  preconditionFailed: {
    status: 412,
    title: { ko: '그사이 내용이 바뀌었습니다', en: 'It has changed meanwhile' },
    detail: {
      ko: '최신 내용을 다시 읽고, 그 ETag를 If-Match에 넣어 보내 주십시오.',
      en: 'Read it again, and send the ETag that it has now in If-Match.',
    },
  },
  bodyTooLarge: {
    status: 413,
    title: { ko: '본문이 너무 큽니다', en: 'The body is too large' },
    detail: {
      ko: '본문은 {limitBytes}바이트까지 받습니다. 나누어 보내 주십시오.',
      en: 'A body has at most {limitBytes} bytes here. Send it in smaller parts.',
    },
  },
  uriTooLong: {
    status: 414,
    title: { ko: '주소가 너무 깁니다', en: 'The address is too long' },
    detail: {
      ko: '주소는 쿼리를 포함해 {lengthMax}자까지 받습니다.',
      en: 'An address has at most {lengthMax} characters, its query among them.',
    },
  },
  mediaTypeUnsupported: {
    status: 415,
    title: { ko: '지원하지 않는 형식입니다', en: 'The media type is not supported' },
    detail: {
      ko: '본문을 압축하지 않은 UTF-8 JSON으로, Content-Type: application/json과 함께 보내 주십시오.',
      en: 'Send the body as uncompressed UTF-8 JSON with Content-Type: application/json.',
    },
  },
  hostUnknown: {
    status: 421,
    title: { ko: '이 서비스의 주소가 아닙니다', en: 'Not an address of this service' },
    detail: {
      ko: '이 페이지는 PODO_PUBLIC_URL이나 이 컴퓨터의 주소로만 보여 줍니다. {origin}에서 열어 주십시오.',
      en: 'This page is shown only at PODO_PUBLIC_URL and at an address of this machine. Open it at {origin}.',
    },
  },
  expectationUnknown: {
    status: 417,
    title: { ko: '지원하지 않는 Expect 헤더입니다', en: 'The expectation cannot be met' },
    detail: {
      ko: 'Expect 헤더를 빼거나 100-continue로 보내 주십시오.',
      en: 'Leave the Expect header out, or send 100-continue.',
    },
  },
  tooManyRequests: {
    status: 429,
    title: { ko: '요청이 너무 많습니다', en: 'Too many requests' },
    detail: {
      ko: '{retryAfterSeconds}초 뒤에 다시 시도해 주십시오.',
      en: 'Try again in {retryAfterSeconds} seconds.',
    },
  },
  headersTooLarge: {
    status: 431,
    title: { ko: '헤더가 너무 큽니다', en: 'The headers are too large' },
    detail: { ko: '헤더를 줄여서 다시 보내 주십시오.', en: 'Send it again with fewer or shorter headers.' },
  },
  internal: {
    status: 500,
    title: { ko: '서버 오류가 발생했습니다', en: 'Something went wrong here' },
    detail: {
      ko: '같은 요청을 헤더까지 그대로 다시 보내도 안전합니다. 계속되면 instance 값을 알려 주십시오.',
      en: 'It is safe to send the very same request again, its headers included. If it goes on, tell us the instance.',
    },
  },
  unavailable: {
    status: 503,
    title: { ko: '잠시 사용할 수 없습니다', en: 'Not available just now' },
    detail: {
      ko: '잠시 뒤 같은 요청을 헤더까지 그대로 다시 보내 주십시오. 한 번만 처리됩니다.',
      en: 'Send the very same request again shortly, its headers included: it takes effect once.',
    },
  },
  notReady: {
    status: 503,
    title: { ko: '아직 준비되지 않았습니다', en: 'Not ready' },
    detail: { ko: '준비되지 않은 것: {waitingFor}', en: 'Not ready: {waitingFor}' },
  },
})

/** A 400 that names every field that is wrong; an empty pointer is the whole body. */
export function invalidRequest(errors: readonly FieldError[]): Problem {
  return new Problem(httpProblems.invalidRequest, { errors })
}

/** Nobody is known who asks. */
export function unauthenticated(): Problem {
  return new Problem(httpProblems.unauthenticated, { headers: { 'WWW-Authenticate': 'Bearer realm="podo"' } })
}

/** The way out of an outage: the caller may send the same again in a second. */
export function unavailable(): Problem {
  return new Problem(httpProblems.unavailable, { headers: { 'Retry-After': '1' } })
}
