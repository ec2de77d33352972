import { connect, type Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';
import type { FaultInjector } from './fault-injector.ts';
import { TRANSACTION_REQUESTS, type TransactionRequest } from './fault-points.ts';

const requestByNumber = new Map<number, TransactionRequest>(
  Object.entries(TRANSACTION_REQUESTS).map(([name, number]) => [number, name as TransactionRequest]),
);

/** Sockets for kafkajs that inject faults on the wire. */
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
 * Watches requests and replies, and injects a fault there. A request starts with its size (4 bytes), its API key (INT16), its
 * version (INT16) and its correlation id (INT32), which the reply repeats after its own size; kafkajs writes each request with
 * one call. The methods are replaced on the connected socket, because `connect` resets `write` of a subclass.
 */
function tap(socket: Socket, faults: FaultInjector): void {
  const waiting = new Map<number, TransactionRequest>();
  let silent = false;

  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    const [request] = args;
    const name = Buffer.isBuffer(request) ? requestByNumber.get(request.readInt16BE(4)) : undefined;
    if (Buffer.isBuffer(request) && name !== undefined) {
      // The socket is closed: the request is not sent.
      if (faults.trigger(`before-${name}`) === 'cut') return false;
      waiting.set(request.readInt32BE(8), name);
    }
    return write(...args);
  };

  const emit = socket.emit.bind(socket) as (...args: unknown[]) => boolean;
  socket.emit = (...args: unknown[]) => {
    const [event, chunk] = args;
    if (event === 'data' && Buffer.isBuffer(chunk) && (silent || (waiting.size > 0 && hasLostReply(chunk))))
      return true;
    return emit(...args);
  };

  /** Whether the chunk has a reply that must be lost. These replies are short and arrive in one chunk. */
  function hasLostReply(chunk: Buffer): boolean {
    for (let start = 0; start + 8 <= chunk.length; start += 4 + chunk.readUInt32BE(start)) {
      const correlationId = chunk.readInt32BE(start + 4);
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
