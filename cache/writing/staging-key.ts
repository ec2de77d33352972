import { siblingKey } from '../redis/sibling-key.ts';

/**
 * The key under which a writer builds a set before RENAME moves it to `key`. Both keys are in one cluster slot, as RENAME requires.
 * @param writer unique for each write
 */
export const stagingKey = (key: string, writer: string): string => siblingKey(key, `next:${writer}`);
