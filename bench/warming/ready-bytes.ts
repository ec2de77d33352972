import { once } from 'node:events';
import { connect } from 'node:net';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { inChunks } from '../../domain/values/lists.ts';

const MEMBERS_PER_COMMAND = 1000;
const CHUNK_BYTES = 256 * 1024;

/** Encodes the writes of entries as Redis's protocol, in chunks. @param prefix of their keys */
export function encodeWrites(entries: readonly CacheEntry[], prefix: string): Buffer[] {
  const chunks: Buffer[] = [];
  let parts: string[] = [];
  let length = 0;
  for (const command of entries.flatMap((entry) => writesOf(entry, prefix + entry.key))) {
    const text = encode(command);
    parts.push(text);
    length += text.length;
    if (length < CHUNK_BYTES) continue;
    chunks.push(Buffer.from(parts.join('')));
    parts = [];
    length = 0;
  }
  return [...chunks, Buffer.from(parts.join(''))];
}

function writesOf(entry: CacheEntry, key: string): string[][] {
  const expire = ['EXPIRE', key, String(entry.ttlSeconds)];
  switch (entry.type) {
    case 'hash':
      return [['HSET', key, ...Object.entries(entry.fields).flat()], expire];
    case 'string':
      return [['SET', key, entry.value], expire];
    case 'list':
      return [['DEL', key], ['RPUSH', key, ...entry.items], expire];
    case 'zset': {
      const adds = [...inChunks(entry.members, MEMBERS_PER_COMMAND)].map((members) => [
        'ZADD',
        key,
        ...members.flatMap(([member, score]) => [String(score), member]),
      ]);
      return [['DEL', key], ...adds, expire];
    }
  }
}

const encode = (args: readonly string[]): string =>
  `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;

/** Sends encoded commands over one connection, and waits until Redis has answered the last one. @throws Error with Redis's first error */
export async function sendBytes(redisUrl: string, chunks: readonly Buffer[]): Promise<void> {
  const { hostname, port } = new URL(redisUrl);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const end = `end-${Date.now()}`;
  const answered = new Promise<void>((resolve, reject) => {
    let tail = '';
    socket.on('error', reject);
    socket.on('data', (data) => {
      const text = tail + data.toString('latin1');
      const error = /(?:^|\n)-([^\r]*)\r/.exec(text);
      if (error) reject(new Error(error[1]));
      if (text.includes(end)) resolve();
      tail = text.slice(-100);
    });
  });
  try {
    for (const chunk of [...chunks, Buffer.from(encode(['ECHO', end]))])
      if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), answered]);
    await answered;
  } finally {
    socket.destroy();
  }
}
