/** Counts how many different texts were added, in 16 bytes for each where a set of the texts would take a hundred. */
export interface DistinctCount {
  add(text: string): void
  readonly count: number
}

/** Two texts of the same 53-bit hash count as one: among a million, once in some ten thousand files. */
export function countDistinct(): DistinctCount {
  let slots = new Float64Array(1_024)
  let count = 0

  function place(into: Float64Array, hash: number): boolean {
    let at = hash % into.length
    while (into[at] !== 0 && into[at] !== hash) at = at + 1 === into.length ? 0 : at + 1
    if (into[at] === hash) return false
    into[at] = hash
    return true
  }

  return {
    add(text) {
      if (!place(slots, hashOf(text))) return
      count += 1
      if (count * 2 < slots.length) return
      const larger = new Float64Array(slots.length * 2)
      for (const hash of slots) if (hash !== 0) place(larger, hash)
      slots = larger
    },
    get count() {
      return count
    },
  }
}

/** Two multiplicative hashes side by side; never 0, which marks an empty slot. */
function hashOf(text: string): number {
  let high = 0x811c9dc5
  let low = 0x9e3779b9
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 0x01000193)
    low = Math.imul(low ^ code, 0x85ebca6b)
    low ^= low >>> 15
  }
  high = Math.imul(high ^ (high >>> 16), 0xc2b2ae35)
  return (high >>> 11) * 0x100000000 + (low >>> 0) || 1
}
