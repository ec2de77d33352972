import { Command, Redis } from 'ioredis';

// See docs/decisions/0007-ioredis.md.

/** Applies to all connections of the process; calling it again does nothing. */
export function patchIoredis(): void {
  patchCommandTimeout();
  patchAsking();
}

/** The field that ioredis clears when the command settles. */
interface TimedCommand {
  _commandTimeoutTimer?: NodeJS.Timeout;
}

/**
 * Makes commands time out only after the replies that have arrived are read. After a pause of the event loop Node.js runs timers before
 * it reads sockets: ioredis then fails all commands in flight, and each read of the API would query Trino.
 */
function patchCommandTimeout(): void {
  Command.prototype.setTimeout = function (ms) {
    const command = this as unknown as TimedCommand;
    command._commandTimeoutTimer ??= setTimeout(() => {
      // Node.js reads sockets between timers and immediates.
      setImmediate(() => {
        if (!this.isSettled) this.reject(new Error('Command timed out'));
      });
    }, ms);
  };
}

/** What the patch uses of a connection. */
interface Connection {
  asking: (this: Connection, ...args: unknown[]) => Promise<unknown>;
}
const connection = Redis.prototype as unknown as Connection;
const { asking } = connection;

/**
 * Handles a failure of ASKING, which a cluster client sends before a command that follows a moving slot, and does not wait for. If the
 * connection ends meanwhile, its failure would end the process as an unhandled rejection. The command itself fails too, and is repeated.
 */
function patchAsking(): void {
  connection.asking = function (...args) {
    const reply = asking.apply(this, args);
    reply.catch(() => {});
    return reply;
  };
}
