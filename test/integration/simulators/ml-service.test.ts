import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createMlService, type MlServiceOptions } from '../../../simulators/ml-service/server.ts';

const LATENCY_MS = 40;
const profile = {
  kol_id: '1100280727341941761',
  followers_count: 65_900_000,
  following_count: 12,
  post_count: 900,
  favorites_count: 40,
  account_age_days: 5_800,
  verified: true,
  has_bio: true,
  has_url: false,
  has_profile_image: true,
  bio_length: 35,
};

let server: Server;
let base: string;

async function start(options: Partial<MlServiceOptions> = {}): Promise<void> {
  server = createMlService({ latencyMs: LATENCY_MS, ...options }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function post(path: string, body: unknown): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${base}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, json: text.startsWith('{') ? (JSON.parse(text) as unknown) : text };
}

afterEach(async () => {
  server.closeAllConnections();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

describe('the reference ML service', () => {
  it('reports its health and its model version', async () => {
    await start();
    const response = await fetch(`${base}/healthz`);
    expect(await response.json()).toEqual({ status: 'ok', model_version: 'reference-logistic-1' });
  });

  it('scores one profile, and returns every field of docs/contract.md', async () => {
    await start();
    const { status, json } = await post('/predict/trust', { ...profile, unknown_field: 'ignored' });
    expect(status).toBe(200);
    expect(json).toEqual({
      kol_id: profile.kol_id,
      trust_score: expect.any(Number) as number,
      is_trustworthy: true,
      confidence: expect.any(Number) as number,
      risk_level: 'low',
      prediction_source: 'model',
      model_version: 'reference-logistic-1',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
  });

  it('scores a batch in its order, with the latency of one call', async () => {
    await start();
    const kols = Array.from({ length: 1_000 }, (_, index) => ({ ...profile, kol_id: `kol-${index}` }));
    const started = performance.now();
    const { status, json } = await post('/predict/trust/batch', { kols });
    // One call after the other would take 1,000 times the latency. The limit is half of it: a busy machine is slow.
    expect(performance.now() - started).toBeLessThan(LATENCY_MS * 500);
    expect(status).toBe(200);
    const { predictions, total, model_version, processing_time_ms } = json as {
      predictions: { kol_id: string }[];
      total: number;
      model_version: string;
      processing_time_ms: number;
    };
    expect(predictions.map(({ kol_id }) => kol_id)).toEqual(kols.map(({ kol_id }) => kol_id));
    expect({ total, model_version }).toEqual({ total: 1_000, model_version: 'reference-logistic-1' });
    expect(processing_time_ms).toBeGreaterThanOrEqual(LATENCY_MS - 2);
  });

  it('serves hundreds of calls in parallel', async () => {
    await start({ latencyMs: 200 });
    const started = performance.now();
    const responses = await Promise.all(Array.from({ length: 300 }, () => post('/predict/trust', profile)));
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(performance.now() - started).toBeLessThan(300 * 200 * 0.5);
  });

  it.each([
    ['a missing field', { ...profile, followers_count: undefined }, 'followers_count'],
    ['a negative count', { ...profile, post_count: -1 }, 'post_count'],
    ['an age of zero days', { ...profile, account_age_days: 0 }, 'account_age_days'],
    ['a count as text', { ...profile, favorites_count: '12' }, 'favorites_count'],
    ['a flag as a number', { ...profile, verified: 1 }, 'verified'],
  ])('rejects %s with 422 and the name of the field', async (_what, body, field) => {
    await start();
    const { status, json } = await post('/predict/trust', body);
    expect(status).toBe(422);
    expect(json).toMatchObject({ detail: [{ loc: ['body', field] }] });
  });

  it('names the index of an invalid profile in a batch', async () => {
    await start();
    const { status, json } = await post('/predict/trust/batch', {
      kols: [profile, { ...profile, bio_length: 1.5 }],
    });
    expect(status).toBe(422);
    expect(json).toMatchObject({ detail: [{ loc: ['body', 'kols', 1, 'bio_length'] }] });
  });

  it('responds with 422 to invalid JSON, and with 404 to an unknown path', async () => {
    await start();
    expect((await post('/predict/trust', '{"kol_id":')).status).toBe(422);
    expect((await post('/predict/fame', profile)).status).toBe(404);
    expect((await post('/admin/faults', { status: 503 })).status).toBe(404);
  });

  it('injects the requested faults when faults are enabled', async () => {
    await start({ faults: true, latencyMs: 1 });
    const setFaults = (faults: object) => post('/admin/faults', faults);

    await setFaults({ status: 503 });
    expect((await post('/predict/trust', profile)).status).toBe(503);
    await setFaults({ garbage: true });
    expect((await post('/predict/trust', profile)).json).toContain('<html>');
    await setFaults({ batch: false });
    expect((await post('/predict/trust/batch', { kols: [profile] })).status).toBe(404);
    expect((await post('/predict/trust', profile)).status).toBe(200);
    await setFaults({ crash: [profile.kol_id] });
    expect((await post('/predict/trust', profile)).status).toBe(500);
    expect((await post('/predict/trust/batch', { kols: [profile] })).status).toBe(500);
    expect((await post('/predict/trust', { ...profile, kol_id: 'other' })).status).toBe(200);
    await setFaults({ latency_ms: 150 });
    const started = performance.now();
    await post('/predict/trust', profile);
    expect(performance.now() - started).toBeGreaterThanOrEqual(148);
    expect((await setFaults({ explode: true })).status).toBe(422);
    await setFaults({});
    expect((await post('/predict/trust/batch', { kols: [profile] })).status).toBe(200);
  });

  it('finishes calls in flight when it closes', async () => {
    await start({ latencyMs: 150 });
    await post('/predict/trust', profile); // leaves a keep-alive connection open
    const arrived = once(server, 'request');
    const inFlight = post('/predict/trust', profile);
    await arrived;
    const started = performance.now();
    const closed = new Promise((resolve) => server.close(resolve));
    expect((await inFlight).status).toBe(200);
    await closed;
    // An open keep-alive connection would delay it by more than a minute.
    expect(performance.now() - started).toBeLessThan(30_000);
  });
});
