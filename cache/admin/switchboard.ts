import { isDeepStrictEqual } from 'node:util';
import type { RedisClient } from '../../clients/redis.ts';
import { switches, type SwitchChange, type Switches } from '../../domain/entities/switches.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';
import { addFields } from '../writing/write-entries.ts';

/** Each process applies a change within this time plus a round trip. */
const READ_EVERY_MS = 500;

/** The switches as this process knows them. */
export interface Switchboard {
  /** The last state that was read from Redis. */
  readonly current: () => Switches;
  /**
   * Sets these switches for all processes.
   * @returns all switches
   * @throws the error from Redis
   */
  readonly change: (given: SwitchChange) => Promise<Switches>;
  readonly close: () => void;
}

/**
 * Polls the switches in Redis. While Redis does not answer, they do not change.
 * @param defaults values of the switches that are not set
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
