import calculateSlot from 'cluster-key-slot';

/**
 * A key that belongs to another key, such as its fence. Both are always in the same cluster slot, even if an id contains braces. It begins
 * with a hash tag, so a scan for the keys of a kind does not list it.
 */
export function siblingKey(key: string, suffix: string): string {
  if (!/[{}]/.test(key)) return `{${key}}:${suffix}`; // the tag is the whole key
  if (/^\{[^}]+\}/.test(key)) return `${key}:${suffix}`;
  const slot = calculateSlot(key);
  // `{}` is no tag, even where its own slot is that of the key.
  const names = [key, ...(/\{([^}]+)\}/.exec(key)?.slice(1) ?? [])];
  const tag = names.find((name) => calculateSlot(`{${name}}`) === slot);
  return tag === key ? `{${key}}:${suffix}` : `{${tag ?? tagOfSlot(slot)}}:${key}:${suffix}`;
}

const SLOTS = 16_384;
let tags: string[] | undefined;

/** A hash tag of this slot. */
function tagOfSlot(slot: number): string {
  tags ??= findTags();
  return tags[slot] ?? '';
}

/** Finds a hash tag for each slot: the first number that hashes to it. Takes about 50 ms. */
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
