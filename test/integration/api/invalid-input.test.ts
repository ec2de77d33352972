import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi, type RunningApi } from '../../support/api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe('invalid input', () => {
  test.each([
    ['/api/v1/kols/top?limit=0', 'limit', '0', 'a whole number from 1 to 100'],
    ['/api/v1/kols/top?limit=101', 'limit', '101', 'a whole number from 1 to 100'],
    ['/api/v1/kols/top?limit=1e2', 'limit', '1e2', 'a whole number from 1 to 100'],
    ['/api/v1/kols/top?limit=', 'limit', '', 'a whole number from 1 to 100'],
    ['/api/v1/kols/top?limit=1&limit=2', 'limit', ['1', '2'], 'a whole number from 1 to 100'],
    ['/api/v1/kols/top?by=luck', 'by', 'luck', 'followers or engagement'],
    ['/api/v1/kols/top?platform=a%3Ab', 'platform', 'a:b', expect.stringContaining('tiktok') as string],
    ['/api/v1/kols/top?order=asc', 'order', 'asc', 'only the parameters platform, by, limit, expand, fields'],
    [
      '/api/v1/kols/top?__proto__=1',
      '__proto__',
      '1',
      'only the parameters platform, by, limit, expand, fields',
    ],
    ['/api/v1/content/trending?limit=51', 'limit', '51', 'a whole number from 1 to 50'],
    ['/api/v1/kols?ids=a,', 'ids', 'a,', expect.stringContaining('1 to 100 ids') as string],
    ['/api/v1/content', 'ids', undefined, expect.stringContaining('1 to 100 ids') as string],
    ['/api/v1/stats?x=1', 'x', '1', 'no parameters'],
    [`/api/v1/kols/${'x'.repeat(257)}`, 'id', 'x'.repeat(80), expect.stringContaining('1 to 256') as string],
    ['/api/v1/kols/a%0Ab/score', 'id', 'a\nb', expect.stringContaining('1 to 256') as string],
  ])(
    '%s names the parameter, what was given, and what is accepted',
    async (url, parameter, given, accepted) => {
      const { status, json, headers } = await api.get(url);
      expect(status).toBe(400);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(json).toMatchObject({ type: 'urn:kol-cache:problem:invalid-parameter', status: 400 });
      expect(json['invalid']).toEqual([{ parameter, given, accepted }]);
    },
  );

  test('a path that is not percent-encoded UTF-8 is a malformed request', async () => {
    const { status, json } = await api.get('/api/v1/kols/%E0%A4');
    expect([status, json['type']]).toEqual([400, 'urn:kol-cache:problem:malformed-request']);
  });

  test('an unknown route is a problem with the request id', async () => {
    const { status, json, headers } = await api.get('/api/v2/kols', { 'x-request-id': 'mine-1' });
    expect([status, json['instance']]).toEqual([404, 'urn:kol-cache:request:mine-1']);
    expect(headers.get('x-request-id')).toBe('mine-1');
  });
});
