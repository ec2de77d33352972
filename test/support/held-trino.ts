import { once } from 'node:events';
import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy in front of Trino that delays results, like a slow query. Other requests pass, such as cancellations. */
export interface HeldTrino {
  readonly url: string;
  /** From now on, polls of results wait for `release`. */
  hold(): void;
  release(): void;
  /** Polls that have waited. */
  held(): number;
  close(): Promise<void>;
}

/** @param trinoUrl Trino itself */
export async function startHeldTrino(trinoUrl: string): Promise<HeldTrino> {
  let released = Promise.resolve();
  let release = () => {};
  let isHolding = false;
  let held = 0;
  const server = createServer((client, answer) => {
    const forward = () => {
      const { method, headers, url = '' } = client;
      const sent = sendRequest(new URL(url, trinoUrl), { method, headers }, (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      });
      sent.on('error', () => answer.destroy());
      client.pipe(sent);
    };
    // Trino starts a query at the first poll, while its URI still says `queued`.
    const isPoll = client.method === 'GET' && client.url?.startsWith('/v1/statement/executing/') === true;
    if (isPoll && isHolding) held += 1;
    if (isPoll) void released.then(forward);
    else forward();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold() {
      isHolding = true;
      released = new Promise((resolve) => (release = resolve));
    },
    release() {
      isHolding = false;
      release();
    },
    held: () => held,
    async close() {
      release();
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
