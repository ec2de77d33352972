import { connect, type Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';
import type { FaultInjector } from './fault-injector.ts';
import { TRANSACTION_REQUESTS, type TransactionRequest } from './points.ts';

const requestByNumber = new Map<number, TransactionRequest>(
  Object.entries(TRANSACTION_REQUESTS).map(([name, number]) => [number, name as TransactionRequest]),
);

/** Connections for kafkajs that let faults happen on the wire. */
export const tappedSockets =
  (faults: FaultInjector): ISocketFactory =>
  ({ host, port, onConnect }) => {
    const socket = connect({ host, port }, onConnect).setKeepAlive(true, 60_000);
    faults.sockets.add(socket);
    socket.once('close', () => faults.sockets.delete(socket));
    tap(socket, faults);
    return socket;
  };

/**
 * Watches which request goes out and which reply comes in, and lets a fault happen there. A request starts with its size,
 * its number (INT16) and version, and the correlation id (INT32) that its reply repeats after the size; kafkajs writes
 * each request at once. Set on the socket itself: `connect` undoes what a subclass says.
 */
function tap(socket: Socket, faults: FaultInjector): void {
  const waiting = new Map<number, TransactionRequest>();
  let silent = false;

  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    const [request] = args;
    const name = Buffer.isBuffer(request) ? requestByNumber.get(request.readInt16BE(4)) : undefined;
    if (Buffer.isBuffer(request) && name !== undefined) {
      // The socket is gone, and with it the request.
      if (faults.trigger(`before-${name}`) === 'cut') return false;
      waiting.set(request.readInt32BE(8), name);
    }
    return write(...args);
  };

  const emit = socket.emit.bind(socket) as (...args: unknown[]) => boolean;
  socket.emit = (...args: unknown[]) => {
    const [event, chunk] = args;
    if (event === 'data' && Buffer.isBuffer(chunk) && (silent || (waiting.size > 0 && isUnseen(chunk))))
      return true;
    return emit(...args);
  };

  /** Whether the chunk brings a reply that is to be lost; the replies looked for are short and come whole. */
  function isUnseen(chunk: Buffer): boolean {
    for (let at = 0; at + 8 <= chunk.length; at += 4 + chunk.readUInt32BE(at)) {
      const correlationId = chunk.readInt32BE(at + 4);
      const name = waiting.get(correlationId);
      waiting.delete(correlationId);
      if (name === undefined) continue;
      const action = faults.trigger(`unseen-${name}`);
      if (action === 'silence') silent = true;
      if (action === 'silence' || action === 'cut') return true;
    }
    return false;
  }
}
