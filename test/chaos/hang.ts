import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena } from './arena.ts';
import type { Bench } from './bench.ts';
import type { Point, Sabotage } from './points.ts';

/** Four ranges, one after the other, of the same KOLs. */
const OPTIONS = { partitions: 1, events: 200, ids: 20, maxOffsets: 50 };
/** What a woken attempt did may lead to: a loop that finds its position gone back, say. */
const AFTERMATH_MS = 2000;

export interface Hang {
  readonly name: string;
  /** Where the first attempt at the first range stops, process and all. */
  readonly point: Point;
  /**
   * When it goes on: once everything is committed by its successor, or in the very moment between the two things that
   * the successor does first, taking the id and reading the position.
   */
  readonly wakes: 'at the end' | 'between fence and position';
  readonly sabotage?: { readonly victim?: Sabotage; readonly successor?: Sabotage };
}

export interface HangResult {
  readonly arena: Arena;
  /** What became of the attempt that hung. */
  readonly ending: string;
}

/** Lets an attempt hang for longer than its heartbeat may, while another worker takes over; then wakes it. */
export async function hang(bench: Bench, { name, point, wakes, sabotage = {} }: Hang): Promise<HangResult> {
  const arena = await bench.arena(name, OPTIONS);
  arena.worker({ does: 'workflows' });
  const victim = arena.worker({
    does: 'activities',
    // Its one slot is taken by the attempt that hangs: the stopped process swallows no other task.
    slots: 1,
    fault: arena.fault(point, 'hang', 0),
    sabotage: sabotage.victim,
  });
  await arena.startLoop();
  await victim.says('fault');
  const race = wakes === 'between fence and position';
  const successor = arena.worker({
    does: 'activities',
    fault: race ? { ...arena.fault('after-position', 'wait', 0), marker: arena.marker('race') } : undefined,
    sabotage: sabotage.successor,
  });
  if (race) await successor.says('fault wait');
  else await arena.untilAllCommitted();
  victim.continue();
  await victim.says('attempt ended');
  if (race) {
    successor.goOn();
    await arena.untilAllCommitted();
  }
  await sleep(AFTERMATH_MS);
  await arena.close();
  return { arena, ending: victim.saying('attempt ended')[0] ?? '' };
}
