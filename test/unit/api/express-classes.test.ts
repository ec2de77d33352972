import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type Request, type Response } from 'express';
import { expect, test } from 'vitest';
import type { AnswerReady } from '../../../api/answer-ready.ts';
import { createHttpServer } from '../../../api/create-http-server.ts';

/** https://expressjs.com/en/5x/api.html#req, without what cookie-parser adds. */
const REQUEST =
  `app baseUrl body fresh host hostname ip ips method originalUrl params path protocol query res route secure stale
  subdomains xhr accepts acceptsCharsets acceptsEncodings acceptsLanguages get is range`.split(/\s+/);
/** https://expressjs.com/en/5x/api.html#res */
const RESPONSE =
  `app headersSent locals req append attachment cookie clearCookie download end format get json jsonp links location
  redirect render send sendFile sendStatus set status type vary`.split(/\s+/);

test('requests and responses have every documented property, and Express leaves their prototypes as they are', async () => {
  const app = express();
  let seen: { request: Request; response: Response; prototypes: unknown[] } | undefined;
  const prototypes: unknown[] = [];
  app.get('/:id', (request, response) => {
    seen = { request, response, prototypes: [request, response].map(Object.getPrototypeOf) };
    response.json({ id: request.params.id, host: request.hostname, query: request.query });
  });
  const answerReady: AnswerReady = (request, response) => {
    prototypes.push(Object.getPrototypeOf(request), Object.getPrototypeOf(response));
    return false;
  };
  const server = createHttpServer(app, { answerReady }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/7?a=1`);
    expect(await answer.json()).toEqual({ id: '7', host: '127.0.0.1', query: { a: '1' } });
    expect(answer.headers.get('x-powered-by')).toBe('Express');
  } finally {
    server.closeAllConnections();
    server.close();
  }
  const { request, response } = seen ?? {};
  expect(REQUEST.filter((name) => !(name in (request ?? {})))).toEqual(['body']); // a parser sets it
  expect(RESPONSE.filter((name) => !(name in (response ?? {})))).toEqual([]);
  expect(seen?.prototypes).toEqual(prototypes);
  expect(prototypes).toEqual([app.request, app.response]);
});
