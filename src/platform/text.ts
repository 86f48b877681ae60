/** A text as it is kept: in NFC, without white space around it. */
export function toKeptText(text: string): string {
  return text.normalize('NFC').trim()
}

/** An address for mail as it is compared: two that differ in case or form of letters are one. */
export function toMailAddress(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase()
}

/** Whether a kept text can be shown to people, on a line of its own or on several; an empty one can. */
export function isShowable(text: string, place: 'line' | 'lines'): boolean {
  return !(place === 'line' ? controls : controlsButLines).test(text) && (text === '' || visible.test(text))
}

// The marks of direction that are not closed again turn around what is shown beside them.
const controls = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u
const controlsButLines = /(?![\n\t])[\p{Cc}\u2028-\u202e\u2066-\u2069]/u
// The Braille pattern without dots is drawn as nothing, though it counts as a symbol.
const visible = /[^\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u
