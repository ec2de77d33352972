/** Settings that operators change at run time, for all processes of the API. */
export interface Switches {
  /** Whether values are kept in the memory of the process (L1). */
  readonly l1: boolean;
  /** How long a value stays in L1 at most. */
  readonly l1TtlSeconds: number;
  /** Whether values that are read often are refreshed before they expire. */
  readonly earlyRefresh: boolean;
  /** Whether misses read the lakehouse. */
  readonly readThrough: boolean;
}

/** The switches to change. */
export type SwitchChange = { readonly [Name in keyof Switches]?: Switches[Name] | undefined };

const ON = 'on';
const OFF = 'off';
/** Field of the hash by switch. */
const fields = {
  l1: 'l1',
  l1TtlSeconds: 'l1_ttl_seconds',
  earlyRefresh: 'early_refresh',
  readThrough: 'read_through',
} as const satisfies Record<keyof Switches, string>;

/** cache:switches: a field for each switch that was set. It has no TTL, because a switch must not expire. */
export const switches = {
  name: 'switches',
  key: 'cache:switches',
  /** The fields of the switches that are given. An `l1TtlSeconds` of 0 stands for that of the configuration. */
  toFields: (given: SwitchChange): Record<string, string> =>
    Object.fromEntries(
      Object.entries(given).flatMap(([name, value]: [string, number | boolean | undefined]) =>
        value === undefined ? [] : [[fields[name as keyof Switches], fieldOf(value)]],
      ),
    ),
  /** Absent and invalid fields have their default. */
  fromHash: (hash: Readonly<Record<string, string>>, defaults: Switches): Switches => ({
    l1: flag(hash[fields.l1], defaults.l1),
    l1TtlSeconds: positive(hash[fields.l1TtlSeconds], defaults.l1TtlSeconds),
    earlyRefresh: flag(hash[fields.earlyRefresh], defaults.earlyRefresh),
    readThrough: flag(hash[fields.readThrough], defaults.readThrough),
  }),
};

const fieldOf = (value: number | boolean): string =>
  typeof value === 'number' ? String(value) : value ? ON : OFF;

const flag = (text: string | undefined, fallback: boolean): boolean =>
  text === ON || (text !== OFF && fallback);

const positive = (text: string | undefined, fallback: number): number => {
  const number = Number(text);
  return number > 0 && Number.isFinite(number) ? number : fallback;
};
