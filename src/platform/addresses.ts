/** An address as people write it: IPv4 that came over an IPv6 socket as what it is, and without the zone of a link. */
export function toPlainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
}
