import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

/** The parts of kafkajs's connection to a broker that are needed here. */
interface Connection {
  socket?: Socket;
  /** What came of an answer that is not whole yet; an answer begins with its size. */
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
const connecting = new WeakMap<Connection, Promise<boolean>>();
let mended = false;

/**
 * Mends how connections of kafkajs 2.2.4 come back, each of which could leave a worker without Kafka until it was restarted:
 * - What had come of an answer when a connection broke is kept, and put before the first answer of the next connection: a
 *   size is read from the middle of records, and all further answers are collected as part of it.
 * - Requests that find a connection broken connect it side by side; the sockets but the last are forgotten, and when the
 *   broker closes one as idle, the connection in use ends with it.
 * - A connection on which a request timed out stays, though nothing may ever come of it again (its pull request 1783). Here
 *   it is dropped, as Kafka's own client does it.
 */
export function patchConnection(): void {
  if (mended) return;
  mended = true;
  prototype.connect = function (this: Connection) {
    if (this.isConnected()) return Promise.resolve(true);
    const underWay = connecting.get(this);
    if (underWay !== undefined) return underWay;
    this.socket?.destroy();
    this.chunks = [];
    this.bytesBuffered = 0;
    this.bytesNeeded = SIZE_BYTES;
    const connected = connect.call(this).finally(() => connecting.delete(this));
    connecting.set(this, connected);
    return connected;
  };
  prototype.send = async function (this: Connection, request: unknown) {
    try {
      return await send.call(this, request);
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError')
        await drop(this.socket, error);
      throw error;
    }
  };
}

/** Ends a connection as if the network had: kafkajs rejects what else is in flight, and connects anew with the next request. */
async function drop(socket: Socket | undefined, reason: Error): Promise<void> {
  if (socket === undefined || socket.destroyed) return;
  await new Promise<void>((resolve) => socket.once('close', () => resolve()).destroy(reason));
}
