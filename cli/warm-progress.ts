import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { partWarmerId } from '../contract/workflow-ids.ts';
import { warmProgressQuery } from '../contract/messages.ts';
import type { WarmProgress } from '../workflows/warming/warm-part.ts';

const READ_EVERY_MS = 500;
/** Where lines stay, as in a log, there are fewer of them. */
const PLAIN_EVERY_MS = 5_000;
const BAR_WIDTH = 30;
const CLEAR_LINE = '\r\u001b[K';

/** How far the warm of the profiles is, splits under way included; null where it is not known. */
export async function readWarmProgress({ workflow }: Client): Promise<WarmProgress | null> {
  try {
    const warmer = workflow.getHandle(partWarmerId('profiles'));
    const [{ rows, total }, { raw }] = await Promise.all([warmer.query(warmProgressQuery), warmer.describe()]);
    const underWay = (raw.pendingActivities ?? []).map(({ heartbeatDetails }) => {
      const [payload] = heartbeatDetails?.payloads ?? [];
      return payload ? rowsIn(defaultPayloadConverter.fromPayload(payload)) : 0;
    });
    return {
      total,
      rows: Math.min(
        total,
        underWay.reduce((sum, more) => sum + more, rows),
      ),
    };
  } catch {
    return null; // it does not run yet, or any more, or no worker answers: a look is no reason to fail
  }
}

/** Rows in the heartbeat of a warm activity: counts, or a position with counts. */
function rowsIn(details: unknown): number {
  const { counts, rowsRead } = (details ?? {}) as { counts?: { rowsRead?: number }; rowsRead?: number };
  return counts?.rowsRead ?? rowsRead ?? 0;
}

/** One line: a bar where it is known how many rows there are. */
export function progressLine(progress: WarmProgress | null, seconds: number): string {
  const time = `${Math.round(seconds)} s`;
  if (progress === null || progress.total === 0) return `Warming … ${time}`;
  const { rows, total } = progress;
  const share = Math.min(1, rows / total);
  const bar = '#'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '.');
  const count = (value: number) => value.toLocaleString('en');
  return `profiles [${bar}] ${Math.floor(share * 100)} % (${count(rows)} of ${count(total)} rows) ${time}`;
}

/**
 * Shows progress until it is ended: on a terminal one line that is drawn again and again, elsewhere a plain line now and then.
 * @returns ends it, and clears the line
 */
export function showProgress(
  out: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>,
  read: () => Promise<WarmProgress | null>,
  { readEveryMs = READ_EVERY_MS, plainEveryMs = PLAIN_EVERY_MS } = {},
): () => void {
  const started = performance.now();
  let ended = false;
  let reading = false;
  const draw = async () => {
    if (reading) return;
    reading = true;
    const line = progressLine(await read(), (performance.now() - started) / 1000);
    reading = false;
    if (!ended) out.write(out.isTTY ? `${CLEAR_LINE}${line}` : `${line}\n`);
  };
  const timer = setInterval(() => void draw(), out.isTTY ? readEveryMs : plainEveryMs);
  return () => {
    ended = true;
    clearInterval(timer);
    if (out.isTTY) out.write(CLEAR_LINE);
  };
}
