import { Command } from 'ioredis';

/** The field that ioredis clears when the command settles. */
interface TimedCommand {
  _commandTimeoutTimer?: NodeJS.Timeout;
}

/**
 * Makes commands time out only after the replies that have arrived are read. After a pause of the event loop Node.js runs timers before
 * it reads sockets: ioredis then fails all commands in flight, and each read of the API would query Trino.
 */
export function patchCommandTimeout(): void {
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
