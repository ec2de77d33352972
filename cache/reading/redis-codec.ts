import { FieldError } from '../../domain/schema/field.ts';

/** The commands that read a value, of a pipeline or of a client. */
export interface ReadCommands {
  hgetall(key: string): unknown;
  get(key: string): unknown;
  lrange(key: string, start: number, stop: number): unknown;
  zrevrange(key: string, start: number, stop: string, withScores: 'WITHSCORES'): unknown;
  pttl(key: string): unknown;
}

/** How Redis stores the value of an entity: the command that reads it, and how to decode the reply. */
export interface RedisCodec<T> {
  /** Queues or sends the one command that reads the whole value. */
  readonly read: (commands: ReadCommands, key: string) => unknown;
  /** @returns the value; null when the key does not exist. @throws FieldError or SyntaxError when the reply is not a valid value */
  readonly decode: (reply: unknown) => T | null;
  /** When the value was read from its source, ISO 8601; undefined where the value does not say so. */
  updatedAt(reply: unknown, value: T): string | undefined;
  /** Whether the fence of the key holds that time instead, as for a set. */
  readonly isTimedByFence: boolean;
  /** Whether events of the hot path wrote the value or parts of it. Then it is newer than the lakehouse. */
  isFromEvent(reply: unknown, value: T): boolean;
}

/** An entity that is cached as a hash. */
export interface HashEntity<T> {
  /** A hash without one of these fields is not a valid value, for example one that another client created with a counter. */
  readonly requiredFields: readonly string[];
  /** The field with the time at which the value was read from its source. */
  readonly timeField: string;
  readonly fromHash: (hash: Readonly<Record<string, string>>) => T;
}

export const hashCodec = <T>({ requiredFields, timeField, fromHash }: HashEntity<T>): RedisCodec<T> => ({
  read: (commands, key) => commands.hgetall(key),
  decode: (reply) => {
    const hash = reply as Record<string, string>;
    if (Object.keys(hash).length === 0) return null;
    const missing = requiredFields.find((field) => hash[field] === undefined);
    if (missing !== undefined) throw new FieldError('', `a whole hash: it has no field ${missing}`);
    return fromHash(hash);
  },
  updatedAt: (reply) => (reply as Record<string, string>)[timeField],
  isTimedByFence: false,
  isFromEvent: (reply) => Boolean((reply as Record<string, string>)['event_time_ms']),
});

/** @param updatedAt reads the time from the value; 'fence' for a value that has none */
export const stringCodec = <T>(
  fromString: (text: string) => T,
  updatedAt: ((value: T) => string) | 'fence',
  isFromEvent: (value: T) => boolean = () => false,
): RedisCodec<T> => ({
  read: (commands, key) => commands.get(key),
  decode: (reply) => (reply === null ? null : fromString(reply as string)),
  updatedAt: (_, value) => (updatedAt === 'fence' ? undefined : updatedAt(value)),
  isTimedByFence: updatedAt === 'fence',
  isFromEvent: (_, value) => isFromEvent(value),
});

/** A list that events change after it was read. An empty reply means that the key does not exist: Redis keeps no empty lists. */
export const listCodec = <T>(fromItems: (items: readonly string[]) => T): RedisCodec<T> => ({
  read: (commands, key) => commands.lrange(key, 0, -1),
  decode: (reply) => {
    const items = reply as string[];
    return items.length === 0 ? null : fromItems(items);
  },
  updatedAt: () => undefined,
  isTimedByFence: true,
  isFromEvent: () => true,
});

/** Members in descending order of score; members of equal score in descending order of their bytes. */
export const zsetCodec = <T>(
  fromMembers: (members: readonly (readonly [member: string, score: number])[]) => T,
): RedisCodec<T> => ({
  read: (commands, key) => commands.zrevrange(key, 0, '-1', 'WITHSCORES'),
  decode: (reply) => {
    const flat = reply as string[];
    const members: [string, number][] = [];
    for (let index = 0; index + 1 < flat.length; index += 2) {
      const score = Number(flat[index + 1]);
      if (!Number.isFinite(score)) throw new FieldError(flat[index + 1] ?? '', 'a finite number');
      members.push([flat[index] ?? '', score]);
    }
    return members.length === 0 ? null : fromMembers(members);
  },
  updatedAt: () => undefined,
  isTimedByFence: true,
  isFromEvent: () => false,
});
