import type { LookupAddress, LookupOptions } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { openNetworks, toPlainAddress } from '#platform/addresses'
import type { Text } from '#platform/problem'

/** The addresses of a name, as DNS has them now. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** Where deliveries may go. */
export interface Places {
  /** Why nothing is sent to this URL, whatever its name resolves to; null where something may be. */
  findMistake(url: string): Text | null
  /** The same, and whether its name resolves inside now. A name that nobody knows now may be known later. */
  findMistakeNow(url: string): Promise<Text | null>
  /**
   * How the name of a URL is resolved for a connection that is about to be opened: to addresses that were looked at, so
   * that nobody changes them between the look and the use. Fails with `PlaceClosed` where one is not to be reached.
   */
  lookupFor(url: URL): LookupFunction
}

/** Thrown where a connection would have gone to an address that nothing is sent to. */
export class PlaceClosed extends Error {
  constructor() {
    super('The name of the address resolves inside: nothing is sent there')
    this.name = 'PlaceClosed'
  }
}

export interface PlacesOptions {
  /** Networks that something is sent to though they are not on the internet. */
  readonly networks: readonly string[]
  /** Whether http will do for those. */
  readonly mayBeClear: boolean
  readonly resolve?: Resolve | undefined
}

/** By https to addresses on the internet, and to what the options open. */
export function openPlaces({ networks, mayBeClear, resolve = resolveByDns }: PlacesOptions): Places {
  const isOpen = openNetworks(networks)

  const isAdmitted = (address: string, { protocol }: URL): boolean => {
    const plain = toPlainAddress(address)
    return isOpen(plain) || (protocol === 'https:' && isPublic(plain))
  }

  const find = async (name: string, url: URL): Promise<readonly string[]> => {
    const addresses = isThisMachine(name) ? ['127.0.0.1', '::1'] : await resolve(name)
    // All of them: whoever answers for the name chooses which comes first.
    if (!addresses.every((address) => isAdmitted(address, url))) throw new PlaceClosed()
    return addresses
  }

  const findMistake = (text: string): Text | null => {
    const url = URL.canParse(text) ? new URL(text) : null
    if (!url || !/^https?:$/.test(url.protocol)) return mistakes.noUrl
    if (url.username || url.password || url.hash) return mistakes.tooMuch
    if (url.protocol === 'http:' && !mayBeClear) return mistakes.clear
    const host = hostOf(url)
    return isIP(host) && !isAdmitted(host, url) ? closedTo(url) : null
  }

  return {
    findMistake,
    async findMistakeNow(text) {
      const mistake = findMistake(text)
      if (mistake) return mistake
      const url = new URL(text)
      const isClosed = !isIP(hostOf(url)) && (await find(hostOf(url), url).then(never, isPlaceClosed))
      return isClosed ? closedTo(url) : null
    },
    lookupFor: (url) => (name, options, callback) => {
      find(name, url).then(
        (addresses) => answer(callback, { name, addresses, options }),
        (error) => callback(error, ''),
      )
    },
  }
}

const never = () => false

function isPlaceClosed(error: unknown): boolean {
  return error instanceof PlaceClosed
}

/** Sockets ask for one address, or for all of them to try in turn. */
function answer(
  callback: Parameters<LookupFunction>[2],
  { name, addresses, options }: { name: string; addresses: readonly string[]; options: LookupOptions },
): void {
  const found = addresses.map((address): LookupAddress => ({ address, family: isIP(address) }))
  const [first] = found
  if (!first) callback(Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' }), '')
  else if (options.all) callback(null, found)
  else callback(null, first.address, first.family)
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

/** DNS is not asked for these (RFC 6761, 6.3). */
function isThisMachine(name: string): boolean {
  return /(?:^|\.)localhost\.?$/i.test(name)
}

/** Never in the threads that hash passwords, which a name server that dawdles would fill. */
async function resolveByDns(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  const asked = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  const found = asked.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  const [first] = asked
  if (found.length === 0 && first.status === 'rejected') throw first.reason
  return found
}

/** Whether a plain address is one on the internet: of IPv6 only what is given out for it. */
function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address, 'ipv4')
  return isIP(address) === 6 && unicast.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

const unicast = new BlockList()
unicast.addSubnet('2000::', 3, 'ipv6')

/** What the registries of special-purpose addresses keep from the internet (RFC 6890), and groups. */
const special = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(network, bits, 'ipv4')
// Of these some stand for an IPv4 address: Teredo, 6to4.
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(network, bits, 'ipv6')

const mistakes = {
  noUrl: {
    ko: 'https://example.com/hooks 형식의 주소여야 합니다.',
    en: 'Must be an address like https://example.com/hooks.',
  },
  tooMuch: {
    ko: '주소에 사용자 이름, 비밀번호, #으로 시작하는 부분을 넣을 수 없습니다. 받은 것이 Podo가 보낸 것인지는 서명으로 확인하십시오.',
    en: 'Must have no user, password or fragment in it. Tell by the signature that a request is from Podo.',
  },
  clear: { ko: 'https 주소여야 합니다.', en: 'Must be an https address.' },
  closed: {
    ko: '인터넷에서 닿는 주소여야 합니다. 내부망, 이 컴퓨터, 특수 목적의 주소로는 보내지 않습니다. 운영자가 PODO_WEBHOOK_NETWORKS로 열 수 있습니다.',
    en: 'Must be an address on the internet: nothing is sent to private networks, this machine or special addresses. The operator opens others by PODO_WEBHOOK_NETWORKS.',
  },
} satisfies Record<string, Text>

/** Whether it is open for https shows when that is asked for. */
function closedTo({ protocol }: URL): Text {
  return protocol === 'http:' ? mistakes.clear : mistakes.closed
}
