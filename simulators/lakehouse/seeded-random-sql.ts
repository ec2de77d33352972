import { literal } from '../../clients/lakehouse/sql.ts';

/**
 * Random values as SQL expressions. Each depends only on the row's identity, the seed and its own name, so the same seed gives the
 * same rows for every order and number of threads that Trino uses.
 */
interface SeededRandomSql {
  /** 64 random bits as VARBINARY. */
  readonly bits: (name: string) => string;
  /** DOUBLE, uniform over [0, 1). */
  readonly uniform: (name: string) => string;
  /** DOUBLE, standard normal. */
  readonly normal: (name: string) => string;
  /** One of the texts, all with the same probability. */
  readonly pick: (name: string, texts: readonly string[]) => string;
  /** BOOLEAN that is true with this probability (a number or an SQL expression). */
  readonly chance: (name: string, probability: number | string) => string;
}

/**
 * @param seed changes every row
 * @param identity SQL expression of type VARCHAR that identifies a row
 */
export function seededRandomSql(seed: string, identity: string): SeededRandomSql {
  const bits = (name: string) => `xxhash64(to_utf8(${literal(`${seed}/${name}/`)} || ${identity}))`;
  // A DOUBLE holds 53 bits exactly: take the upper ones.
  const uniform = (name: string) =>
    `(CAST(bitwise_right_shift(from_big_endian_64(${bits(name)}), 11) AS DOUBLE) / 9007199254740992e0)`;
  return {
    bits,
    uniform,
    // inverse_normal_cdf accepts neither 0 nor 1.
    normal: (name) => `inverse_normal_cdf(0, 1, ${uniform(name)} * 0.999999998e0 + 1e-9)`,
    pick: (name, texts) =>
      `element_at(ARRAY[${texts.map(literal).join(', ')}], 1 + CAST(floor(${uniform(name)} * ${texts.length}) AS INTEGER))`,
    chance: (name, probability) => `(${uniform(name)} < ${probability})`,
  };
}

/** A log-normal count as BIGINT. @param median half of the values are below it, 2/3 within a factor of e^sigma */
export const logNormal = (normal: string, median: number, sigma: number): string =>
  `CAST(floor(exp(${Math.log(median)}e0 + ${sigma}e0 * ${normal})) AS BIGINT)`;

/** The numbers 1 to `count` as column n. */
export const numbers = (count: number): string =>
  `(SELECT sequential_number AS n FROM TABLE(sequence(start => 1, stop => ${count})))`;

/** ISO text of a time given in seconds since 1970 (DOUBLE). */
export const isoTime = (seconds: string): string =>
  `date_format(from_unixtime(${seconds}, 'UTC'), '%Y-%m-%dT%H:%i:%sZ')`;

/** One of the texts in the row's language. @param language name of the column with the language */
export const pickIn = <Language extends string>(
  { pick }: SeededRandomSql,
  name: string,
  language: string,
  texts: Readonly<Record<Language, readonly string[]>>,
): string =>
  `CASE ${language} ${Object.entries<readonly string[]>(texts)
    .map(([key, list]) => `WHEN ${literal(key)} THEN ${pick(name, list)}`)
    .join(' ')} END`;
