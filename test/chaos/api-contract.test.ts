import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { searchIndex } from '../../domain/entities/search-index.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import { stackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { apiProgram, mlServiceProgram, workerProgram } from '../../engines/programs.ts';
import { startStack, type RunningStack } from '../../engines/start-stack.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { until } from '../support/until.ts';
import { fuzz, installSchemathesis } from './schemathesis.ts';

const TOKEN = 'a-token-of-the-contract-test';
const EXAMPLES = 100;
/** Each of these starts work in Temporal, or changes the cache that the others read. */
const HEAVY = ['startWarm', 'reportLoad', 'invalidate', 'changeSwitches'];
const FEW_EXAMPLES = 20;

let schemathesis: string;
let stack: RunningStack | undefined;
const programs: ManagedProcess[] = [];
let url = '';

beforeAll(async () => {
  schemathesis = await installSchemathesis();
  const ports = await freePorts();
  const report = () => {};
  stack = await startStack({ folder: join(stackFolder, 'contract'), ports, empty: true, report });
  const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA, REDIS_URL } = stack.addresses;
  await fillLakehouse({ trinoUrl: TRINO_URL, catalog: TRINO_CATALOG, schema: TRINO_SCHEMA, report });
  url = `http://127.0.0.1:${ports.api}`;
  const ML_API_URL = `http://127.0.0.1:${ports.mlApi}`;
  const env = {
    ...stack.addresses,
    ML_API_URL,
    ML_API_PORT: String(ports.mlApi),
    API_PORT: String(ports.api),
    API_TOKEN: TOKEN,
  };
  for (const spec of [mlServiceProgram(env, ML_API_URL), workerProgram(env), apiProgram(env, url)]) {
    const program = new ManagedProcess(spec, stack.paths);
    programs.push(program);
    await program.start();
  }
  const redis = new Redis(REDIS_URL, { protocol: 2 });
  await until('the first warm has written the search index', async () =>
    Boolean(await redis.exists(searchIndex.key(ALL))),
  );
  redis.disconnect();
});
afterAll(async () => {
  for (const program of programs.reverse()) await program.stop();
  await stack?.stop();
});

test.for([
  ['of the reads', TOKEN, EXAMPLES, HEAVY.flatMap((name) => ['--exclude-operation-id', name])],
  [
    'of the calls that change much',
    TOKEN,
    FEW_EXAMPLES,
    HEAVY.flatMap((name) => ['--include-operation-id', name]),
  ],
  ['without the token', undefined, FEW_EXAMPLES, []],
] as const)(
  'generated requests %s get no 5xx, and only answers that are documented',
  async ([, token, examples, select]) => {
    const { found, output } = await fuzz(schemathesis, { url, token }, examples, select);
    console.log(output);
    expect(found, output).toBe(false);
  },
);
