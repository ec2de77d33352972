import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import express from 'express';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { Answer, sendAnswer } from '../../../api/answer.ts';
import { createHttpServer } from '../../../api/create-http-server.ts';

const decode: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes),
  br: (bytes) => brotliDecompressSync(bytes),
};

/** A server that sends this answer. */
async function serve(answer: () => Answer): Promise<number> {
  const app = express();
  app.use((req, res) => sendAnswer(req, res, answer(), ['Cache-Control', 'no-cache']));
  const server = createHttpServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function send(port: number, method: string, encoding: string) {
  const sent = request({ port, method, headers: { 'accept-encoding': encoding } }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { headers: answer.headers, bytes: await buffer(answer) };
}

test('an answer has the bytes of its JSON in each encoding, whatever its characters', async () => {
  let kept = new Answer({});
  const port = await serve(() => kept);
  const text = fc.string({ unit: 'binary', maxLength: 20 }).map((one) => one.repeat(100));
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom('identity', 'gzip', 'br'), async (bio, encoding) => {
      const body = { bio };
      kept = new Answer(body);
      await kept.compress();
      const { headers, bytes } = await send(port, 'GET', encoding);
      expect(headers['content-length']).toBe(String(bytes.length));
      const decoded = decode[headers['content-encoding'] ?? 'identity']?.(bytes);
      expect(decoded?.toString()).toBe(JSON.stringify(body));
      const head = await send(port, 'HEAD', encoding);
      expect([head.headers['content-length'], head.bytes.length]).toEqual([String(bytes.length), 0]);
      expect(head.headers.etag).toBe(headers.etag);
    }),
    { numRuns: 30 },
  );
});
