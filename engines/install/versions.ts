/** Versions of the downloaded engines. The Maven and Go projects in this folder name the same versions. */
export const VERSIONS = {
  kafka: '4.1.1',
  /** Only for tests: the last release with the classic group coordinator. */
  kafka39: '3.9.2',
  trino: '476',
  temporal: '1.5.1',
  temporalTestServer: '1.31.0',
} as const;

/** The oldest Java version that each engine supports. */
export const MINIMUM_JAVA = { kafka: 17, kafka39: 17, trino: 24, temporalTestServer: 11 } as const;
