/** The offset basis and the prime of 64-bit FNV, as two halves of 32 bits. The prime is 2^40 + 0x1b3. */
const OFFSET_HIGH = 0xcbf29ce4;
const OFFSET_LOW = 0x84222325;
const PRIME_LOW = 0x1b3;
const TWO_32 = 0x1_0000_0000;

/** A 64-bit hash of a text as 16 hex digits, to compare texts that are too long to keep. Not for secrets. */
export function fingerprint(text: string): string {
  const { high, low } = hashOf(text);
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/**
 * The two halves of a 64-bit hash: FNV-1a over the UTF-16 code units of a text. Own code, because workflow code cannot use node:crypto. The
 * loop avoids BigInt and globals such as Math, which are slow in workflows: a load can have a thousand ids.
 */
export function hashOf(text: string): { readonly high: number; readonly low: number } {
  let high = OFFSET_HIGH;
  let low = OFFSET_LOW;
  for (let index = 0; index < text.length; index += 1) {
    const mixed = (low ^ text.charCodeAt(index)) >>> 0;
    const product = mixed * PRIME_LOW;
    low = product >>> 0;
    high = (high * PRIME_LOW + (product - low) / TWO_32 + ((mixed << 8) >>> 0)) >>> 0;
  }
  return { high, low };
}
