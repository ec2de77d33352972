import calculateSlot from 'cluster-key-slot';

/**
 * The key under which a writer builds a set before RENAME moves it to `key`. Both keys are in one cluster slot, as RENAME requires.
 * @param writer unique for each write
 * @throws Error when the braces of `key` are not a hash tag
 */
export function stagingKey(key: string, writer: string): string {
  // A key with a hash tag keeps its tag; any other key becomes the tag.
  const staging = `${key.includes('{') ? key : `{${key}}`}:next:${writer}`;
  if (calculateSlot(staging) !== calculateSlot(key))
    throw new Error(`The braces in ${key} are not a hash tag`);
  return staging;
}
