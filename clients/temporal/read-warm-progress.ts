import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { warmProgressQuery } from '../../contract/messages.ts';
import type { WarmProgress } from '../../contract/warm-cache.ts';
import { partWarmerId } from '../../contract/workflow-ids.ts';

/**
 * Reads how many rows the running warm of the profiles has read: the finished splits from the workflow, the running ones from the
 * heartbeats of their activities.
 * @returns null when the progress is unknown. No error is thrown, because progress is only displayed: the warm may not have started or may
 *   have ended, or no worker may answer.
 */
export async function readWarmProgress({ workflow }: Client): Promise<WarmProgress | null> {
  try {
    const warmer = workflow.getHandle(partWarmerId('profiles'));
    const [{ rows, total }, { raw }] = await Promise.all([
      warmer.query(warmProgressQuery),
      warmer.describe(),
    ]);
    const rowsInProgress = (raw.pendingActivities ?? []).reduce((sum, { heartbeatDetails }) => {
      const [payload] = heartbeatDetails?.payloads ?? [];
      return sum + (payload ? rowsInHeartbeat(defaultPayloadConverter.fromPayload(payload)) : 0);
    }, 0);
    return { total, rows: Math.min(total, rows + rowsInProgress) };
  } catch {
    return null;
  }
}

/** Rows in the heartbeat of a warm activity. */
function rowsInHeartbeat(details: unknown): number {
  const { rowsRead = 0 } = (details ?? {}) as { rowsRead?: number };
  return rowsRead;
}
