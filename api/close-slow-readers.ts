import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Data that waits for its client to read. */
interface Waiting {
  /** The connection has delivered it when it has delivered this many bytes. */
  readonly bytes: number;
  readonly since: number;
}

/**
 * Closes connections whose client takes longer than `limitMs` to read what was sent. The idle timeout of a connection begins again with each
 * byte that the client reads, so a client that reads slowly could hold its answer for ever.
 */
export function closeSlowReaders(server: Server, limitMs: number, checkMs: number): void {
  const open = new Map<Socket, Waiting | undefined>();
  server.on('connection', (socket: Socket) => {
    open.set(socket, undefined);
    socket.once('close', () => open.delete(socket));
  });

  function check(): void {
    const now = performance.now();
    for (const [socket, waiting] of open) {
      const delivered = socket.bytesWritten - socket.writableLength;
      const isRead = waiting === undefined || delivered >= waiting.bytes;
      if (!isRead && now - waiting.since > limitMs) socket.destroy();
      else if (isRead)
        open.set(
          socket,
          socket.writableLength === 0 ? undefined : { bytes: socket.bytesWritten, since: now },
        );
    }
  }
  const checks = setInterval(check, checkMs).unref();
  server.once('close', () => clearInterval(checks));
}
