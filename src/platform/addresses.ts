import { BlockList, isIP } from 'node:net'

/** A text with an address as others write it, as it is compared: without port, brackets and the zone of a link. */
export function toPlainAddress(text: string): string {
  const [, bracketed, bare] = /^(?:\[(.*)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? []
  const address = (bracketed ?? bare ?? text).replace(/%.*$/, '')
  return fromMapped(address) ?? address
}

/** Whether the host of a URL is this machine itself. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

/** Whether a text is a network like 203.0.113.0/24, or an address, which is a network of one. */
export function isNetwork(text: string): boolean {
  const [address = '', length = '0', ...more] = text.split('/')
  const bitsMax = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!
  const isPlain = !address.includes('%') && more.length === 0 && /^\d{1,3}$/.test(length)
  return isPlain && Number(length) <= bitsMax
}

/** A network as addresses are compared with it: one of IPv4 that was written as IPv6 as what it is. */
export function toPlainNetwork(network: string): string {
  const [address = '', length = '128'] = network.split('/')
  const plain = Number(length) < mappedBits ? null : fromMapped(address)
  return plain === null ? network : `${plain}/${Number(length) - mappedBits}`
}

/** Whether a plain address is in one of these networks. */
export function openNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', length] = toPlainNetwork(network).split('/')
    const [family, bits] = address.includes(':') ? (['ipv6', 128] as const) : (['ipv4', 32] as const)
    list.addSubnet(address, length === undefined ? bits : Number(length), family)
  }
  return (address) => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}

/**
 * Where a request came from: the socket's address or, as long as that is a trusted proxy's, what the proxy says in
 * `X-Forwarded-For`, to whose end each adds. What is no address a proxy only passed on: then the proxy's counts.
 */
export function findAddress(
  { socket = unspecified, forwarded }: { socket: string | undefined; forwarded: string | undefined },
  isTrusted: (address: string) => boolean,
): string {
  let address = toPlainAddress(socket)
  for (const text of forwarded?.split(',').toReversed() ?? []) {
    const next = toPlainAddress(text.trim())
    if (!isTrusted(address) || isIP(next) === 0) break
    address = next
  }
  return address
}

/** In place of the address of who is gone already, or came through a file. */
const unspecified = '0.0.0.0'

/** Bits before the IPv4 address in an IPv6 one that stands for it (RFC 4291, 2.5.5.2). */
const mappedBits = 96

function fromMapped(address: string): string | null {
  const [, dotted, high, low] = mapped.exec(address) ?? []
  if (isIP(address) !== 6) return null
  if (high === undefined) return dotted ?? null
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low!, 16)]
  return [first >> 8, first & 255, second >> 8, second & 255].join('.')
}

const mapped = /^[0:]+:ffff:(?:(\d+\.[\d.]+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i
