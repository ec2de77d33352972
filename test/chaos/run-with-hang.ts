import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosRun } from './chaos-run.ts';
import type { Point, Sabotage } from './fault-points.ts';
import type { TestBed } from './test-bed.ts';

/** Four batches of the same KOLs, one after the other. */
const OPTIONS = { partitions: 1, events: 200, ids: 20, maxOffsets: 50 };
/** Time for the consequences of the resumed attempt, for example a loop whose committed offset went back. */
const AFTERMATH_MS = 2000;

export interface HangCase {
  readonly name: string;
  /** Where the first attempt stops in its first batch, with its whole process. */
  readonly point: Point;
  /**
   * When it resumes: after its successor has committed everything, or in the moment between the first two steps of the
   * successor, which takes the transactional id and then reads the committed offset.
   */
  readonly resumes: 'at the end' | 'between fence and offset';
  readonly sabotage?: { readonly victim?: Sabotage; readonly successor?: Sabotage };
}

export interface HangRunResult {
  readonly run: ChaosRun;
  /** Whether the attempt that hung committed something. */
  readonly hasCommitted: boolean;
}

/** Suspends an attempt for longer than its heartbeat timeout, while another worker takes over. Then resumes it. */
export async function runWithHang(
  bed: TestBed,
  { name, point, resumes, sabotage = {} }: HangCase,
): Promise<HangRunResult> {
  const run = await bed.createRun(name, OPTIONS);
  run.startWorker({ role: 'workflows' });
  const victim = run.startWorker({
    role: 'activities',
    // The attempt that hangs takes the only slot, so the suspended process holds no other task.
    slots: 1,
    fault: run.fault(point, 'hang', 0),
    sabotage: sabotage.victim,
  });
  await run.startLoop();
  await victim.untilLine('fault');
  const isRace = resumes === 'between fence and offset';
  const successor = run.startWorker({
    role: 'activities',
    fault: isRace ? { ...run.fault('after-offset', 'wait', 0), marker: run.marker('race') } : undefined,
    sabotage: sabotage.successor,
  });
  if (isRace) await successor.untilLine('fault wait');
  else await run.untilAllCommitted();
  victim.resume();
  await victim.untilLine('attempt ended');
  if (isRace) {
    successor.endWait();
    await run.untilAllCommitted();
  }
  await sleep(AFTERMATH_MS);
  await run.close();
  const end = victim.lines.findIndex((line) => line.startsWith('attempt ended'));
  return { run, hasCommitted: victim.lines.slice(0, end).some((line) => line.startsWith('commit done')) };
}
