import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WARM_SCHEDULE_ID } from '../../../contract/workflow-ids.ts';
import { freePorts } from '../../../engines/ports.ts';
import { startStack } from '../../../engines/start-stack.ts';
import { startSystem } from '../../../engines/start-system.ts';
import { testEngines } from '../../support/test-engines.ts';
import { queryTrino } from '../../support/trino.ts';

const { REDIS_URL, KAFKA_BROKERS, TRINO_URL, TRINO_CATALOG, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } =
  testEngines();
const TRINO_SCHEMA = 'real_tables';
const schema = `${TRINO_CATALOG}.${TRINO_SCHEMA}`;
const trino = (sql: string) => queryTrino(TRINO_URL, sql);
/** Engines that already run, as a user names them. A Redis without passwords accepts any. */
const running = {
  REDIS_URL: `${REDIS_URL.replace('//', '//default:s3cret@')}/5`,
  ...{ KAFKA_BROKERS, TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE },
};
let folder: string;
let lines: string[];
const report = (line: string) => void lines.push(line);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kol-start-'));
  lines = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test('a start on engines that already run changes no table, starts no producer and prints no password', async () => {
  await trino(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await trino(`CREATE SCHEMA ${schema}`);
  await trino(`CREATE TABLE ${schema}.kol_profiles AS SELECT 'real' kol_id`);
  // The other queue belongs to the other tests, which use the same Kafka.
  vi.stubEnv('WORKER_TASK_QUEUES', 'kol-warm');

  const { signal } = new AbortController();
  const system = await startSystem({
    folder,
    ports: await freePorts(),
    environment: running,
    report,
    signal,
  });
  await system.stop();
  const temporal = await Connection.connect({ address: TEMPORAL_ADDRESS });
  const { schedule } = new Client({ connection: temporal, namespace: TEMPORAL_NAMESPACE });
  await schedule.getHandle(WARM_SCHEDULE_ID).delete();
  await temporal.close();

  expect(await trino(`SHOW TABLES FROM ${schema}`)).toEqual([['kol_profiles']]);
  expect(await trino(`SELECT * FROM ${schema}.kol_profiles`)).toEqual([['real']]);
  expect(lines).toContainEqual(expect.stringMatching(/^Worker: ready/));
  expect(lines).not.toContainEqual(expect.stringMatching(/^Producer: ready/));
  expect(lines).toContainEqual(
    expect.stringMatching(/^REDIS_URL \(already running\): ready in .* at redis:/),
  );
  expect(lines.join('\n')).not.toContain('s3cret');
});

test('the error of an engine that does not respond shows no password', async () => {
  // fetch refuses such an address with an error that quotes it.
  const reuse = { ...running, TRINO_URL: TRINO_URL.replace('//', '//us3r:s3cret@') };
  const error: unknown = await startStack({ folder, ports: await freePorts(), reuse, report }).catch(
    (reason: unknown) => reason,
  );
  expect(String(error)).toContain(`TRINO_URL is set to ${TRINO_URL}, which does not respond`);
  expect(String(error)).not.toMatch(/us3r|s3cret/);
});
