import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A TCP relay between a client and an engine that breaks connections on demand. */
export interface Relay {
  readonly port: number;
  /** Connections accepted so far. */
  connections(): number;
  /** Cuts the next chunk from the engine that is longer than this, and closes its connection. */
  breakAfter(bytes: number): void;
  /** Drops all further data from the engine on the open connections, without closing them. */
  silence(): void;
  /** Holds back the data of the first connection on which the engine sends this text, from that chunk until `release`. */
  hold(text: string): void;
  /** Whether the engine has sent the text. */
  isHolding(): boolean;
  release(): void;
  /** Connects later clients to another engine. The open connections stay. @param address `host:port` */
  redirect(address: string): void;
  close(): Promise<void>;
}

/**
 * Starts a relay.
 * @param address `host:port` of the engine
 * @param at the port to listen on, a free one by default
 * @param host the address to listen on
 */
export async function startRelay(address: string, at = 0, host = '127.0.0.1'): Promise<Relay> {
  let target = address;
  const open = new Set<Socket>();
  const silent = new Set<Socket>();
  let connections = 0;
  let limit = Infinity;
  let textToHold: string | undefined;
  let held: { readonly client: Socket; readonly chunks: Buffer[] } | undefined;
  const server = createServer((client) => {
    connections += 1;
    open.add(client);
    const [name = '', port] = target.split(':');
    const engine = connect({ host: name, port: Number(port) });
    client.pipe(engine);
    engine.on('data', (data: Buffer) => {
      if (silent.has(client)) return;
      if (textToHold !== undefined && data.includes(textToHold)) {
        textToHold = undefined;
        held = { client, chunks: [] };
      }
      if (held?.client === client) return void held.chunks.push(data);
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
  await once(server.listen(at, host), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    breakAfter: (bytes) => void (limit = bytes),
    silence: () => open.forEach((client) => silent.add(client)),
    hold: (text) => void (textToHold = text),
    isHolding: () => held !== undefined,
    release() {
      held?.chunks.forEach((chunk) => held?.client.write(chunk));
      held = undefined;
    },
    redirect: (to) => void (target = to),
    async close() {
      open.forEach((client) => client.destroy());
      await once(server.close(), 'close');
    },
  };
}
