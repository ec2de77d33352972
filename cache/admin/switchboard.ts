import { isDeepStrictEqual } from 'node:util';
import type { RedisClient } from '../../clients/redis.ts';
import { switches, type SwitchChange, type Switches } from '../../domain/entities/switches.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';
import { addFields } from '../writing/write-entries.ts';

/** A change is in force in each process after this time and a round trip. */
const READ_EVERY_MS = 500;

/** The switches as this process knows them. */
export interface Switchboard {
  /** As Redis had them last. */
  readonly current: () => Switches;
  /**
   * Sets the switches that are given, for all processes.
   * @returns all switches
   * @throws the error that Redis answered
   */
  readonly change: (given: SwitchChange) => Promise<Switches>;
  readonly close: () => void;
}

/**
 * Follows the switches in Redis. While Redis does not answer, they stay as they are.
 * @param defaults switches that nobody has set
 * @param onChange called with the first state, and when a switch changes
 */
export async function followSwitches(
  redis: RedisClient,
  defaults: Switches,
  onChange: (current: Switches) => void,
): Promise<Switchboard> {
  let current = defaults;
  let started = 0;
  let applied = 0;

  async function read(): Promise<void> {
    const own = (started += 1);
    const found = switches.fromHash((await unlessWrongType(redis.hgetall(switches.key))) ?? {}, defaults);
    if (own < applied) return; // a later read was faster
    applied = own;
    if (isDeepStrictEqual(found, current)) return;
    current = found;
    onChange(current);
  }

  const readIfPossible = () => read().catch(() => {}); // the client reports connection errors
  onChange(current);
  await readIfPossible();
  const timer = setInterval(() => void readIfPossible(), READ_EVERY_MS).unref();
  return {
    current: () => current,
    async change(given) {
      const set = switches.toFields(given);
      if (Object.keys(set).length > 0) await addFields(redis, { key: switches.key, fields: set });
      await read();
      return current;
    },
    close: () => clearInterval(timer),
  };
}
