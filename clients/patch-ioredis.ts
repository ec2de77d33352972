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
 * Makes commands time out only after all received replies are read. After a pause of the event loop Node.js runs timers before it reads
 * sockets. Without the patch, ioredis then fails all commands in flight, and each read of the API queries Trino.
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

/** The parts of a connection that the patch uses. */
interface Connection {
  asking: (this: Connection, ...args: unknown[]) => Promise<unknown>;
}
const connection = Redis.prototype as unknown as Connection;
const { asking } = connection;

/**
 * Handles a failure of ASKING. A cluster client sends it before a command to a moving slot, without waiting for the reply. If the
 * connection then ends, the failure is an unhandled rejection, which would end the process. The command itself also fails, and is retried.
 */
function patchAsking(): void {
  connection.asking = function (...args) {
    const reply = asking.apply(this, args);
    reply.catch(() => {});
    return reply;
  };
}
