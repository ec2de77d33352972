import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { leaseKey } from '../../../cache/reading/leases.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { apiConfig, startApi, useRedis, type RunningApi } from '../../support/api.ts';
import { startHeldTrino, type HeldTrino } from '../../support/held-trino.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const redis = await useRedis();
const { TRINO_URL } = apiConfig();
/** Identifies the queries of this file. */
const USER = `abandoned-reads-${process.pid}`;
const pathOf = (id: string) => `/api/v1/kols/${encodeURIComponent(id)}`;

let trino: HeldTrino;
let api: RunningApi;
let ids: string[];
beforeAll(async () => {
  trino = await startHeldTrino(TRINO_URL);
  api = await startApi({ TRINO_URL: trino.url, TRINO_USER: USER });
  ids = await queryColumn(TRINO_URL, 'SELECT kol_id FROM iceberg.kol_silver.kol_profiles LIMIT 20');
  await api.get(pathOf('first')); // checks the columns of the tables
});
afterAll(async () => {
  await api.close();
  await trino.close();
});
beforeEach(() => trino.hold());
afterEach(() => trino.release());

/** A KOL that no other test reads. */
const takeId = () => ids.pop() ?? '';

/** The queries for a KOL: how each ended, or that it runs. */
async function queriesFor(id: string): Promise<string[]> {
  return queryColumn(
    TRINO_URL,
    `SELECT coalesce(error_code, if(state = 'FINISHED', 'finished', 'runs')) FROM system.runtime.queries
     WHERE "user" = '${USER}' AND query LIKE '%''${id.replaceAll("'", "''''")}''%'`,
  );
}
const untilQueries = (id: string, expected: readonly string[]) =>
  until(`queries: ${expected.join()}`, async () => (await queriesFor(id)).join() === expected.join());
const isLeased = async (id: string) => (await redis.exists(leaseKey(profile.key(id)))) === 1;
/** Call it when the load has ended. Without a TTL, a lease that the process has not released stays. */
async function untilReleased(id: string): Promise<void> {
  await redis.persist(leaseKey(profile.key(id)));
  await until('the lease is released', async () => !(await isLeased(id)));
}

/** A client that can leave. */
function startRead(id: string, from = api) {
  const client = new AbortController();
  const status = fetch(from.url + pathOf(id), { signal: client.signal }).then(
    (answer) => answer.status,
    () => 'left',
  );
  return { status, leave: () => client.abort() };
}

describe('a read whose client leaves', () => {
  test('cancels its query, and releases the lease immediately', async () => {
    const id = takeId();
    const read = startRead(id);
    await untilQueries(id, ['runs']);
    read.leave();
    expect(await read.status).toBe('left');
    await untilReleased(id);
    await untilQueries(id, ['USER_CANCELED']);
    // The next reader starts its own query.
    const next = startRead(id);
    await until('a second query', async () => (await queriesFor(id)).includes('runs'));
    trino.release();
    expect(await next.status).toBe(200);
  });

  test('does not cancel the query while another client waits for the same value', async () => {
    const id = takeId();
    const [gone, waiting] = [startRead(id), startRead(id)];
    await untilQueries(id, ['runs']);
    gone.leave();
    expect(await gone.status).toBe('left');
    trino.release();
    expect(await waiting.status).toBe(200);
    expect(await queriesFor(id)).toEqual(['finished']);
  });

  test('does not cancel the query while clients wait for other values in it', async () => {
    const [abandoned, wanted] = [takeId(), takeId()];
    const gone = startRead(abandoned);
    const several = fetch(`${api.url}/api/v1/kols?ids=${[abandoned, wanted].map(encodeURIComponent).join()}`);
    await until('the query runs', async () => (await queriesFor(wanted)).length > 0);
    gone.leave();
    trino.release();
    expect(await (await several).json()).toMatchObject({ items: [{}, { kol_id: wanted }], missing: [] });
    expect(await queriesFor(wanted)).toEqual(['finished']);
  });

  test('lets another process take over', async () => {
    const id = takeId();
    const other = await startApi();
    try {
      const gone = startRead(id);
      await untilQueries(id, ['runs']);
      const waiting = startRead(id, other);
      gone.leave();
      expect(await waiting.status).toBe(200);
      await untilQueries(id, ['USER_CANCELED']);
    } finally {
      await other.close();
    }
  });
});

test('a read whose load takes too long cancels its query', async () => {
  const id = takeId();
  const hasty = await startApi({
    TRINO_URL: trino.url,
    TRINO_USER: USER,
    API_DEADLINE_SECONDS: '3',
  });
  try {
    trino.release();
    await until('the columns are checked', async () => (await hasty.get(pathOf('first'))).status === 404);
    trino.hold();
    expect((await hasty.get(pathOf(id))).json['type']).toBe('urn:kol-cache:problem:lakehouse-unavailable');
    await untilReleased(id);
    await untilQueries(id, ['USER_CANCELED']);
  } finally {
    await hasty.close();
  }
});
