import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRedisMajor } from '../../../../engines/install/redis.ts';
import { VERSIONS } from '../../../../engines/install/versions.ts';
import { installFolder } from '../../../../engines/paths.ts';

describe('versions of the engines', () => {
  it.each([
    ['kafka/pom.xml', `<artifactId>kafka_2.13</artifactId>\n      <version>${VERSIONS.kafka}</version>`],
    [
      'kafka-3.9/pom.xml',
      `<artifactId>kafka_2.13</artifactId>\n      <version>${VERSIONS.kafka39}</version>`,
    ],
    [
      'trino/pom.xml',
      `<artifactId>trino-iceberg</artifactId>\n              <version>${VERSIONS.trino}</version>`,
    ],
    [
      'trino/pom.xml',
      `<artifactId>trino-hive</artifactId>\n              <version>${VERSIONS.trino}</version>`,
    ],
    ['temporal/go.mod', `github.com/temporalio/cli v${VERSIONS.temporal} `],
    [
      'temporal-test-server/pom.xml',
      `<artifactId>temporal-test-server</artifactId>\n      <version>${VERSIONS.temporalTestServer}</version>`,
    ],
  ])('%s downloads the version in versions.ts', async (file, text) => {
    expect(await readFile(join(installFolder, file), 'utf8')).toContain(text);
  });

  it('reads the major version that redis-server prints', () => {
    expect(parseRedisMajor('Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64')).toBe(7);
    expect(parseRedisMajor('nonsense')).toBeUndefined();
  });
});
