const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/**
 * 64 bits of a text as 16 hex digits (FNV-1a over its UTF-16 units): for telling texts apart that are too long to be kept, not
 * for secrets. Workflow code has no node:crypto.
 */
export function fingerprint(text: string): string {
  let hash = OFFSET;
  for (let index = 0; index < text.length; index += 1)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * PRIME);
  return hash.toString(16).padStart(16, '0');
}
