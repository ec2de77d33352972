import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

// kafkajs 2.2.4 reconnects wrongly in three ways. Each one could leave a worker without Kafka until it was restarted.
//
// Fault 1:     a connection keeps the part of a response that it received before it broke.
// Consequence: that part precedes the first response of the next connection. The client reads a size from the middle of
//              records and collects all later responses as part of that one.
// Patch:       empty the buffer on connect.
//
// Fault 2:     requests that find a connection broken connect it concurrently; all sockets but the last are leaked.
// Consequence: when the broker closes a leaked socket as idle, the connection in use ends with it.
// Patch:       concurrent calls share one connect; the old socket is destroyed.
//
// Fault 3:     a connection stays open after a request on it timed out.
// Consequence: the connection may be dead, and all later requests time out as well.
// Patch:       close the connection after a request timeout, as Kafka's Java client does.
//
// Upstream:    https://github.com/tulios/kafkajs/pull/1783 for fault 3; no issue known for 1 and 2.
// See docs/decisions/0006-kafkajs.md.

/** The parts of kafkajs's connection to a broker that the patch uses. */
interface Connection {
  socket?: Socket;
  /** The part of the current response that was received so far. A response starts with its size. */
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
}
const SIZE_BYTES = 4;

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/connection') as {
  prototype: {
    connect: (this: Connection) => Promise<boolean>;
    send: (this: Connection, request: unknown) => Promise<unknown>;
  };
};
const { connect, send } = prototype;
const pendingConnects = new WeakMap<Connection, Promise<boolean>>();
let patched = false;

/** Fixes how connections reconnect. Applies to all clients of the process; calling it again does nothing. */
export function patchConnection(): void {
  if (patched) return;
  patched = true;
  prototype.connect = function (this: Connection) {
    if (this.isConnected()) return Promise.resolve(true);
    const pending = pendingConnects.get(this);
    if (pending !== undefined) return pending;
    this.socket?.destroy();
    this.chunks = [];
    this.bytesBuffered = 0;
    this.bytesNeeded = SIZE_BYTES;
    const connected = connect.call(this).finally(() => pendingConnects.delete(this));
    pendingConnects.set(this, connected);
    return connected;
  };
  prototype.send = async function (this: Connection, request: unknown) {
    try {
      return await send.call(this, request);
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError')
        await closeSocket(this.socket, error);
      throw error;
    }
  };
}

/** Closes a connection as a network failure would: kafkajs rejects all requests in flight and reconnects for the next one. */
async function closeSocket(socket: Socket | undefined, reason: Error): Promise<void> {
  if (socket === undefined || socket.destroyed) return;
  await new Promise<void>((resolve) => socket.once('close', () => resolve()).destroy(reason));
}
