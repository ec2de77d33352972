const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/**
 * A 64-bit hash of a text as 16 hex digits (FNV-1a over its UTF-16 code units), to compare texts that are too long to keep. Not
 * for secrets. Home-made because workflow code cannot use node:crypto.
 */
export function fingerprint(text: string): string {
  let hash = FNV_OFFSET;
  for (let index = 0; index < text.length; index += 1)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * FNV_PRIME);
  return hash.toString(16).padStart(16, '0');
}
