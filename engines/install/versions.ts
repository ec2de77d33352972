/** Versions of the engines that are fetched; the Maven and Go projects beside this file name the same ones. */
export const VERSIONS = {
  kafka: '4.1.1',
  trino: '476',
  temporal: '1.5.1',
  temporalTestServer: '1.31.0',
} as const;

/** The oldest Java that each engine runs on. */
export const MINIMUM_JAVA = { kafka: 17, trino: 24, temporalTestServer: 11 } as const;
