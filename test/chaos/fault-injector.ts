import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Action, Fault, Point } from './fault-points.ts';

/** Injects one fault. The actions kill and hang take effect before `trigger` returns. */
export interface FaultInjector {
  /** Call it each time the point is passed. @returns the action, when the fault happens now */
  trigger(point: Point): Action | undefined;
  /** Like `trigger`, for points that can wait. */
  pass(point: Point): Promise<void>;
  /** Connections that the action cut closes. */
  readonly sockets: Set<Socket>;
}

/**
 * @param report called before the fault happens
 * @param untilResumed resolves when the action wait ends
 */
export function createFaultInjector(
  fault: Fault | undefined,
  report: (line: string) => void,
  untilResumed: () => Promise<void>,
): FaultInjector {
  const sockets = new Set<Socket>();
  let passed = 0;

  function trigger(point: Point): Action | undefined {
    if (fault === undefined || point !== fault.point) return undefined;
    passed += 1;
    if (passed <= fault.skip || !createMarker(fault.marker)) return undefined;
    report(`fault ${fault.action} ${point}`);
    if (fault.action === 'kill') process.kill(process.pid, 'SIGKILL');
    if (fault.action === 'hang') process.kill(process.pid, 'SIGSTOP');
    if (fault.action === 'cut') for (const socket of sockets) socket.destroy(new Error('cut by the test'));
    return fault.action;
  }
  return {
    trigger,
    async pass(point) {
      if (trigger(point) === 'wait') await untilResumed();
    },
    sockets,
  };
}

/** Creates the marker file. @returns false when it exists already */
function createMarker(marker: string): boolean {
  try {
    writeFileSync(marker, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
