import type { Client } from '@temporalio/client';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { WarmCacheInput } from '../../contract/warm-cache.ts';
import { partWarmerId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { until } from '../support/until.ts';
import { writeHistory } from './history-file.ts';

/** Records warmCache and partWarmer. */
export async function recordWarms(temporal: Client): Promise<void> {
  const start = (name: string, input?: WarmCacheInput) =>
    temporal.workflow.start<Workflows['warmCache']>('warmCache', {
      workflowId: `warm-cache-${name}`,
      taskQueue: WARM_TASK_QUEUE,
      args: input === undefined ? [] : [input],
    });
  const warmer = (part: Parameters<typeof partWarmerId>[0]) =>
    temporal.workflow.getHandle(partWarmerId(part));

  const full = await start('full');
  await full.result();
  await writeHistory('warm-cache-full', full);
  await writeHistory('part-warmer-profiles', warmer('profiles'));
  await writeHistory('part-warmer-stats', warmer('stats'));

  await (await start('unchanged', { parts: ['profiles'] })).result();
  await writeHistory('part-warmer-unchanged', warmer('profiles'));

  const dryRun = await start('dry-run', { dryRun: true, force: true, parts: ['profiles', 'rankings'] });
  await dryRun.result();
  await writeHistory('warm-cache-dry-run', dryRun);

  const scoped = await start('scoped', {
    scopes: { profiles: { ids: ['no-such-kol'] }, lists: { platforms: ['tiktok'] } },
  });
  await scoped.result();
  await writeHistory('warm-cache-scoped', scoped);

  // Two requests for one part at the same time: the second waits for the next run.
  const both = await Promise.all(['a', 'b'].map((name) => start(`together-${name}`, { parts: ['search'] })));
  await Promise.all(both.map((handle) => handle.result()));
  await writeHistory('part-warmer-two-runs', warmer('search'));

  const cancelled = await start('cancelled', { parts: ['lists'], force: true });
  await until('its part warmer runs', async () => {
    const { status } = await warmer('lists').describe();
    return status.name === 'RUNNING';
  });
  await cancelled.cancel();
  await cancelled.result().catch(() => {});
  await writeHistory('warm-cache-cancelled', cancelled);
}
