import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and an engine, and spoils their connections. */
export interface Relay {
  readonly port: number;
  /** How many connections were made. */
  connections(): number;
  /** Ends the next connection to bring more bytes than this at once, after so many of them. */
  breakAfter(bytes: number): void;
  /** Nothing comes over the connections of now any more, and nobody says that they ended. */
  silence(): void;
  close(): Promise<void>;
}

/** @param address of the engine, `host:port` */
export async function startRelay(address: string): Promise<Relay> {
  const [host = '', port] = address.split(':');
  const open = new Set<Socket>();
  const silent = new Set<Socket>();
  let connections = 0;
  let limit = Infinity;
  const server = createServer((client) => {
    connections += 1;
    open.add(client);
    const engine = connect({ host, port: Number(port) });
    client.pipe(engine);
    engine.on('data', (data: Buffer) => {
      if (silent.has(client)) return;
      if (data.length <= limit) return void client.write(data);
      client.end(data.subarray(0, limit));
      silent.add(client);
      limit = Infinity;
    });
    for (const socket of [client, engine]) {
      socket.on('error', () => {});
      socket.on('close', () => [client, engine].forEach((end) => end.destroy()));
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    breakAfter: (bytes) => void (limit = bytes),
    silence: () => open.forEach((client) => silent.add(client)),
    async close() {
      open.forEach((client) => client.destroy());
      await once(server.close(), 'close');
    },
  };
}
