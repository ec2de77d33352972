import { createServer, type Server } from 'node:http';
import express from 'express';
import { Redis } from 'ioredis';

/**
 * A bare server that `npm run bench:reads` compares the API with.
 * Arguments: kind, port, then for `http` and `express` the URL of an answer of the API, for `redis` the URL of Redis.
 */
const [kind = '', port = '', source = ''] = process.argv.slice(2);

/** Headers that Node adds to each answer by itself. */
const ADDED_BY_NODE = ['date', 'connection', 'keep-alive'];

const servers: Readonly<Record<string, () => Promise<Server>>> = {
  /** Sends the same headers and bytes as the API. */
  async http() {
    const answer = await fetch(source, { headers: { 'accept-encoding': 'identity' } });
    const body = Buffer.from(await answer.arrayBuffer());
    const headers = [...answer.headers].filter(([name]) => !ADDED_BY_NODE.includes(name)).flat();
    return createServer((_request, response) => {
      response.writeHead(200, headers);
      response.end(body);
    });
  },
  /** Sends the same JSON with `res.json`. */
  async express() {
    const body: unknown = await (await fetch(source)).json();
    const app = express();
    app.get(new URL(source).pathname, (_request, response) => {
      response.json(body);
    });
    return createServer(app);
  },
  /** Reads the hash of a profile and sends it with `res.json`. */
  redis() {
    const redis = new Redis(source, { protocol: 2 });
    const app = express();
    app.get('/api/v1/kols/:id', async (request, response) => {
      response.json(await redis.hgetall(`kol:profile:${request.params.id}`));
    });
    return Promise.resolve(createServer(app));
  },
};

const server = await servers[kind]?.();
server?.listen(Number(port), '127.0.0.1');
