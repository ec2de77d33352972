import calculateSlot from 'cluster-key-slot';

/**
 * A key that belongs to another one, such as its fence. Both are in one cluster slot, whatever characters the key has: an id can have
 * braces that are no hash tag.
 */
export function siblingKey(key: string, suffix: string): string {
  if (!/[{}]/.test(key)) return `{${key}}:${suffix}`; // the tag is the whole key
  const slot = calculateSlot(key);
  // Most keys become the tag; a key with a tag keeps it.
  const sibling = [`{${key}}:${suffix}`, `${key}:${suffix}`].find((name) => calculateSlot(name) === slot);
  return sibling ?? `{${tagOfSlot(slot)}}:${key}:${suffix}`;
}

const SLOTS = 16_384;
let tags: string[] | undefined;

/** A hash tag of this slot. */
function tagOfSlot(slot: number): string {
  tags ??= findTags();
  return tags[slot] ?? '';
}

/** One hash tag for each slot: the first number that hashes to it. Takes about 50 ms. */
function findTags(): string[] {
  const found = new Array<string>(SLOTS);
  for (let number = 0, left = SLOTS; left > 0; number += 1) {
    const slot = calculateSlot(String(number));
    if (found[slot] !== undefined) continue;
    found[slot] = String(number);
    left -= 1;
  }
  return found;
}
