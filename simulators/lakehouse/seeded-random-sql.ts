import { literal } from '../../clients/lakehouse/sql.ts';

/**
 * Chance as SQL: each expression depends on nothing but a row's identity, the seed and its own name, so the same seed
 * gives the same rows, whatever the order or the number of threads Trino uses.
 */
export interface SeededRandomSql {
  /** 64 random bits as VARBINARY. */
  readonly bits: (name: string) => string;
  /** DOUBLE, even over [0, 1). */
  readonly uniform: (name: string) => string;
  /** DOUBLE, standard normal. */
  readonly normal: (name: string) => string;
  /** One of the texts, each as likely. */
  readonly pick: (name: string, texts: readonly string[]) => string;
  /** BOOLEAN, true with this probability (a number or an SQL expression). */
  readonly chance: (name: string, probability: number | string) => string;
}

/**
 * @param seed changes every row
 * @param identity SQL expression of type VARCHAR that tells rows apart
 */
export function seededRandomSql(seed: string, identity: string): SeededRandomSql {
  const bits = (name: string) => `xxhash64(to_utf8(${literal(`${seed}/${name}/`)} || ${identity}))`;
  // The upper 53 bits are what a double holds exactly.
  const uniform = (name: string) =>
    `(CAST(bitwise_right_shift(from_big_endian_64(${bits(name)}), 11) AS DOUBLE) / 9007199254740992e0)`;
  return {
    bits,
    uniform,
    // inverse_normal_cdf takes neither 0 nor 1.
    normal: (name) => `inverse_normal_cdf(0, 1, ${uniform(name)} * 0.999999998e0 + 1e-9)`,
    pick: (name, texts) =>
      `element_at(ARRAY[${texts.map(literal).join(', ')}], 1 + CAST(floor(${uniform(name)} * ${texts.length}) AS INTEGER))`,
    chance: (name, probability) => `(${uniform(name)} < ${probability})`,
  };
}

/** A log-normal count as BIGINT. @param median half of the values lie below, 2/3 within a factor of e^sigma */
export const logNormal = (normal: string, median: number, sigma: number): string =>
  `CAST(floor(exp(${Math.log(median)}e0 + ${sigma}e0 * ${normal})) AS BIGINT)`;

/** `1 .. count` as column n. */
export const numbers = (count: number): string =>
  `(SELECT sequential_number AS n FROM TABLE(sequence(start => 1, stop => ${count})))`;

/** ISO text of an instant given in seconds since 1970 (DOUBLE). */
export const isoTime = (seconds: string): string =>
  `date_format(from_unixtime(${seconds}, 'UTC'), '%Y-%m-%dT%H:%i:%sZ')`;

/** Texts by language: picks from the row's own language. */
export const pickIn = <Language extends string>(
  { pick }: SeededRandomSql,
  name: string,
  language: string,
  texts: Readonly<Record<Language, readonly string[]>>,
): string =>
  `CASE ${language} ${Object.entries<readonly string[]>(texts)
    .map(([key, list]) => `WHEN ${literal(key)} THEN ${pick(name, list)}`)
    .join(' ')} END`;
