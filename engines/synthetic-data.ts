/** Explicit options of the user; `syntheticData` decides undefined ones. */
export interface AskedData {
  /** Whether to fill the Silver tables, which replaces tables of other sizes. */
  readonly fill?: boolean | undefined;
  /** Events per second of the producer; 0 starts no producer. */
  readonly producerRate?: number | undefined;
}

const DEFAULT_RATE = 2;

/**
 * Decides what synthetic data `npm start` writes. An engine that already runs may hold real data, so nothing is written to it without an
 * explicit option.
 * @param environment with TRINO_URL or KAFKA_BROKERS if that engine already runs
 */
export const syntheticData = (
  { fill, producerRate }: AskedData,
  { TRINO_URL, KAFKA_BROKERS }: NodeJS.ProcessEnv,
): { readonly fill: boolean; readonly producerRate: number } => ({
  fill: fill ?? !TRINO_URL,
  producerRate: producerRate ?? (KAFKA_BROKERS ? 0 : DEFAULT_RATE),
});
