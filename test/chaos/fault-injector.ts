import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Action, Fault, Point } from './points.ts';

/** Makes one fault happen. Kill and hang take effect before `trigger` returns. */
export interface FaultInjector {
  /** To be called whenever the point is passed; whether, and how, it went wrong this time. */
  trigger(point: Point): Action | undefined;
  /** As `trigger`, for points where waiting is possible. */
  pass(point: Point): Promise<void>;
  /** Connections that `cut` ends. */
  readonly sockets: Set<Socket>;
}

/**
 * @param tell says what happens, before it does
 * @param toGoOn ends the action `wait`
 */
export function createFaultInjector(
  fault: Fault | undefined,
  tell: (what: string) => void,
  toGoOn: () => Promise<void>,
): FaultInjector {
  const sockets = new Set<Socket>();
  let passed = 0;

  function trigger(point: Point): Action | undefined {
    if (fault === undefined || point !== fault.point) return undefined;
    passed += 1;
    if (passed <= fault.skip || !isFirst(fault.marker)) return undefined;
    tell(`fault ${fault.action} ${point}`);
    if (fault.action === 'kill') process.kill(process.pid, 'SIGKILL');
    if (fault.action === 'hang') process.kill(process.pid, 'SIGSTOP');
    if (fault.action === 'cut') for (const socket of sockets) socket.destroy(new Error('cut by the test'));
    return fault.action;
  }
  return {
    trigger,
    async pass(point) {
      if (trigger(point) === 'wait') await toGoOn();
    },
    sockets,
  };
}

/** Whether nobody has made this file before. */
function isFirst(marker: string): boolean {
  try {
    writeFileSync(marker, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
