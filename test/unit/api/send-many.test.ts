import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createApp } from '../../../api/app.ts';
import type { ReadResult } from '../../../cache/reading/read-result.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { fakeDependencies } from './fake-dependencies.ts';

let server: Server | undefined;
afterEach(() => server?.close());

/** The answer to a request for ids with these reads. */
async function answerTo(reads: readonly Omit<ReadResult<Profile>, 'collapsed'>[]) {
  const results = reads.map((value) => ({
    status: 'fulfilled' as const,
    value: { ...value, collapsed: false },
  }));
  const reader = { ...fakeDependencies().reader, profiles: () => Promise.resolve(results) };
  server = createServer(createApp(fakeDependencies({ reader }))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ids = reads.map((_, index) => `kol-${index}`).join();
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/kols?ids=${ids}`);
  return { response, json: (await response.json()) as Record<string, unknown> };
}

const found = { value: profile.fromHash({ kol_id: 'kol-0' }), outcome: 'hit' } as const;
const missing = { value: null, outcome: 'miss' } as const;
const refused = { ...missing, refused: true } as const;
const UNAVAILABLE = 'urn:kol-cache:problem:lakehouse-unavailable';

test('an id that a shrunken table lacks is unavailable, not missing, and the answer is not kept', async () => {
  const { response, json } = await answerTo([found, missing, refused]);
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
  expect(json).toMatchObject({
    items: [{ kol_id: 'kol-0' }],
    missing: ['kol-1'],
    unavailable: [{ id: 'kol-2', type: UNAVAILABLE }],
  });
});

test('the answer is a problem when a shrunken table lacks all ids', async () => {
  const { response, json } = await answerTo([refused, refused]);
  expect([response.status, json['type']]).toEqual([503, UNAVAILABLE]);
});

test('an answer without such an id may be kept, and must be validated', async () => {
  const { response } = await answerTo([found, missing]);
  expect(response.headers.get('cache-control')).toBe('no-cache');
});
