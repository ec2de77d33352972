import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTrino } from '../../../clients/lakehouse/trino.ts';
import { createMlService } from '../../../simulators/ml-service/server.ts';
import { apiConfig, cacheStatus, startApi, useApi } from '../../support/api.ts';

/** Latency of the model: long enough for a test to write to Redis during the call. */
const MODEL_MS = 300;

const model = createMlService({ latencyMs: MODEL_MS, faults: true });
model.listen(0, '127.0.0.1');
await once(model, 'listening');
const modelUrl = `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
const { api, redis } = await useApi({ ML_API_URL: modelUrl });
let kolId: string;
let key: string;

beforeAll(async () => {
  const config = apiConfig();
  const trino = createTrino({ url: config.TRINO_URL, user: 'test', queryTimeoutSeconds: 30 });
  const [row] = await trino.rows('SELECT max(kol_id) AS id FROM iceberg.kol_silver.kol_trust_features', {
    columns: ['id'],
  });
  kolId = row?.[0] ?? '';
  key = `kol:score:${kolId}`;
});
beforeEach(() => setFaults({}));
afterAll(() => model.close());

async function setFaults(faults: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await fetch(`${modelUrl}/admin/faults`, { method: 'POST', headers, body: JSON.stringify(faults) });
}
const getScore = (id = kolId) => api.get(`/api/v1/kols/${encodeURIComponent(id)}/score`);

/** A score as the scoring loop writes it. */
const loopScore = () =>
  JSON.stringify({
    kol_id: kolId,
    trust_score: 91.5,
    risk_level: 'low',
    trust_label: 'low',
    event_time_ms: 1,
  });

describe('a score', () => {
  test('that the scoring loop wrote is served unchanged', async () => {
    await redis.set(key, loopScore(), 'EX', 1000);
    const read = await getScore();
    expect(read.json).toMatchObject({ kol_id: kolId, trust_score: 91.5, cold: false });
    expect(cacheStatus(read)).toMatch(/^kol-redis; hit; ttl=(1000|99\d)$/);
    expect(read.headers.get('cache-control')).toBe('no-cache');
  });

  test('that is not cached is computed from features in the lakehouse, and marked as cold', async () => {
    const cold = await getScore();
    expect(cold.status).toBe(200);
    expect(cold.json).toMatchObject({
      kol_id: kolId,
      cold: true,
      features_from: 'lakehouse',
      source: null,
      event_time_ms: null,
    });
    expect(cold.json['trust_score']).toBeTypeOf('number');
    expect(cacheStatus(cold)).toBe('kol-redis; fwd=uri-miss; stored');
    expect(await redis.ttl(key)).toBeGreaterThan(3590);

    const warm = await getScore();
    expect(warm.json).toEqual({ ...cold.json, cold: false });
  });

  test('computed on a miss does not replace a score that the scoring loop writes during the model call', async () => {
    const pending = getScore();
    await sleep(MODEL_MS / 3); // after the read of Redis, before the answer of the model
    await redis.set(key, loopScore(), 'EX', 1000);
    const read = await pending;
    expect(read.json).toMatchObject({ trust_score: 91.5, cold: false });
    expect(await redis.get(key)).toBe(loopScore());
  });

  test.each([
    ['not JSON', () => redis.set(key, 'pickled')],
    ['not a score', () => redis.set(key, '{"kol_id":7}')],
    ['of another Redis type', () => redis.hset(key, { a: '1' })],
  ])('that is cached but %s is computed and replaced', async (_, corrupt) => {
    await corrupt();
    expect((await getScore()).json).toMatchObject({ kol_id: kolId, cold: true });
    expect((await getScore()).json).toMatchObject({ kol_id: kolId, cold: false });
  });

  test('computed for an invalid cached value does not replace a score that the scoring loop has just written', async () => {
    await redis.set(key, 'pickled');
    const pending = getScore();
    await sleep(MODEL_MS / 3);
    await redis.set(key, loopScore(), 'EX', 1000);
    expect((await pending).json).toMatchObject({ trust_score: 91.5, cold: false });
    expect(await redis.get(key)).toBe(loopScore());
  });

  test('of an unknown KOL is 404', async () => {
    const { status, json } = await getScore('nobody-knows-me');
    expect([status, json['type']]).toEqual([404, 'urn:kol-cache:problem:not-found']);
  });

  test.each([
    ['is down', { status: 503 }, 503, 'model-unavailable'],
    ['has no backend', { status: 404 }, 503, 'model-unavailable'],
    ['does not accept the credentials', { status: 401 }, 503, 'model-unavailable'],
    ['redirects', { status: 302 }, 503, 'model-unavailable'],
    ['answers invalid JSON', { garbage: true }, 503, 'model-unavailable'],
    ['rejects the profile with 422', { status: 422 }, 502, 'score-refused'],
    ['rejects the profile with 400', { status: 400 }, 502, 'score-refused'],
  ])('is a problem and is not cached when the model %s', async (_, faults, status, type) => {
    await setFaults(faults);
    const read = await getScore();
    expect([read.status, read.json['type']]).toEqual([status, `urn:kol-cache:problem:${type}`]);
    expect(read.headers.get('retry-after')).toBe(status === 503 ? '5' : null);
    expect(await redis.exists(key)).toBe(0);
  });

  test('names the model, not the lakehouse, when the model hangs', async () => {
    const hurried = await startApi({ ML_API_URL: modelUrl, API_DEADLINE_SECONDS: '12' });
    await setFaults({ latency_ms: 600_000 });
    try {
      const { status, json } = await hurried.get(`/api/v1/kols/${encodeURIComponent(kolId)}/score`);
      expect([status, json['type']]).toEqual([503, 'urn:kol-cache:problem:model-unavailable']);
    } finally {
      await hurried.close();
    }
  });
});
