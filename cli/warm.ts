import { userInfo } from 'node:os';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { Command } from 'commander';
import { connectTemporal, TemporalUnavailableError } from '../clients/temporal.ts';
import { ConfigError } from '../config/config.ts';
import { warmParts, type WarmPart } from '../domain/warming.ts';
import { manualWarmId, WARM_TASK_QUEUE } from '../workflows/ids.ts';
import { WARM_INCOMPLETE, type warmCache, type WarmReport } from '../workflows/warm-cache.ts';
import { commandConfig } from './environment.ts';
import { runCommand } from './run-command.ts';
import { printTable } from './table.ts';

type Options = Partial<Record<WarmPart, boolean>> & {
  full?: boolean;
  dryRun?: boolean;
  allProfiles?: boolean;
  json?: boolean;
};

/** `npm run warm`: starts a warm, waits for it and shows its report. Exit code 0 warm, 1 failed, 2 wrong usage. */
const command = new Command('npm run warm --')
  .description('Warms the cache from the lakehouse, through Temporal. Without parts: all of them.')
  .option('--full', 'all parts (the default)')
  .option('--dry-run', 'read and report what would be written, and write nothing')
  .option('--all-profiles', 'every profile, not just the hot ones')
  .option('--json', 'print the report as JSON')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
for (const part of warmParts) command.option(`--${part}`, `the ${part}`);

await runCommand(async () => {
  const options = command.parse().opts<Options>();
  const picked = warmParts.filter((part) => options[part]);
  const parts = options.full || picked.length === 0 ? warmParts : picked;
  const config = commandConfig();
  const temporal = await connectTemporal(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE);
  try {
    const run = await temporal.workflow.start<typeof warmCache>('warmCache', {
      workflowId: manualWarmId(new Date().toISOString().replaceAll(':', '-')),
      taskQueue: WARM_TASK_QUEUE,
      args: [
        {
          parts,
          trigger: 'manual',
          requestedBy: `cli:${userInfo().username}`,
          dryRun: options.dryRun === true,
          allProfiles: options.allProfiles === true,
        },
      ],
      staticSummary: `Warm of ${parts.join(', ')} by hand`,
    });
    if (!options.json)
      console.log(
        `Warming ${parts.join(', ')} as ${run.workflowId}${config.TEMPORAL_UI_URL ? `: ${config.TEMPORAL_UI_URL}/namespaces/${config.TEMPORAL_NAMESPACE}/workflows/${run.workflowId}` : ''}`,
      );
    show(await run.result(), options);
  } catch (error) {
    const failure = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (!(failure instanceof ApplicationFailure)) throw error;
    if (failure.type === WARM_INCOMPLETE) show(failure.details?.[0] as WarmReport, options);
    console.error(failure.cause?.message ?? failure.message);
    process.exitCode = 1;
  } finally {
    await temporal.connection.close();
  }
}, [ConfigError, TemporalUnavailableError]);

function show(report: WarmReport, { json }: Options): void {
  if (json) {
    console.log(JSON.stringify(report, null, 2));
    return;
  }
  printTable(
    ['part', 'rows read', 'keys', 'KiB', 'ms', 'notes'],
    report.parts.map(({ part, rowsRead, keys, bytes, durationMs, rejected, skipped }) => [
      part,
      rowsRead,
      keys,
      Math.round(bytes / 1024),
      durationMs,
      [...skipped, ...(rejected > 0 ? [`${rejected} rows left out`] : [])].join('; '),
    ]),
  );
  console.log(
    `${report.dryRun ? 'Would write' : 'Wrote'} ${report.keys} keys, ${Math.round(report.bytes / 1024)} KiB, in ${report.durationMs} ms`,
  );
}
