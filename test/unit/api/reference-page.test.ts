import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../../api/app.ts';
import { fakeDependencies } from './fake-dependencies.ts';

let server: Server;
let url: string;
beforeAll(async () => {
  server = createApp(fakeDependencies()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('the reference page needs nothing but the API, and its policy allows what it needs', async () => {
  const page = await fetch(`${url}/docs`);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const html = await page.text();
  expect(html).not.toMatch(/https?:/);

  const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
  expect(files).toHaveLength(2);
  const types = await Promise.all(
    files.map(async (file) => {
      const response = await fetch(new URL(file, `${url}/docs`));
      await response.body?.cancel();
      return [response.status, response.headers.get('content-type')];
    }),
  );
  expect(types).toEqual([
    [200, 'text/css; charset=utf-8'],
    [200, expect.stringContaining('javascript')],
  ]);

  const [, script = '', document = ''] = /<script>([^<]*url: '([^']*)'[^<]*)<\/script>/.exec(html) ?? [];
  expect((await fetch(new URL(document, `${url}/docs`))).status).toBe(200);
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy.split(';')).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      `script-src 'self' 'sha256-${hash}'`,
      "connect-src 'self'",
      "frame-ancestors 'none'",
    ]),
  );
  expect(policy).not.toMatch(/https?:/);
});

test('the page with a slash at its end leads to the page', async () => {
  const { status, headers } = await fetch(`${url}/docs/`, { redirect: 'manual' });
  expect([status, headers.get('location')]).toEqual([308, '../docs']);
  const { url: end, status: last } = await fetch(`${url}/docs/`);
  expect([end, last]).toEqual([`${url}/docs`, 200]);
});

test('no other answer may run scripts', async () => {
  for (const path of ['/', '/docs/swagger-ui.css', '/docs/nothing', '/api/v1/openapi.json']) {
    const { headers } = await fetch(url + path);
    expect(headers.get('content-security-policy'), path).toBe("default-src 'none';frame-ancestors 'none'");
  }
});

const CSS = '/docs/swagger-ui.css';

test('a file of the page is sent whole to a request for a range', async () => {
  for (const range of ['bytes=0-9', 'bytes=99999999-']) {
    const { status, headers } = await fetch(url + CSS, { headers: { range } });
    expect([range, status, headers.get('accept-ranges')]).toEqual([range, 200, null]);
  }
});

test.each([
  ['If-Match', '"x"'],
  ['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'],
])('a file of the page that is not as %s demands is a 412', async (name, value) => {
  const response = await fetch(url + CSS, { headers: { [name]: value } });
  expect([response.status, await response.json()]).toMatchObject([
    412,
    { type: 'urn:kol-cache:problem:precondition-failed', status: 412 },
  ]);
});
