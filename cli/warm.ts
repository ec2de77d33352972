import { userInfo } from 'node:os';
import { ApplicationFailure, CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { Command, Option } from 'commander';
import { connectTemporal, TemporalUnavailableError } from '../clients/temporal/connect.ts';
import { ConfigError } from '../config/config.ts';
import { warmParts, type WarmPart } from '../domain/warming/warm-parts.ts';
import { manualWarmId, WARM_TASK_QUEUE } from '../contract/workflow-ids.ts';
import { WARM_INCOMPLETE, type warmCache, type WarmReport } from '../workflows/warming/warm-cache.ts';
import { commandConfig } from './environment.ts';
import { runCommand } from './run-command.ts';
import { printWarmReport } from './format-warm-report.ts';
import { readWarmProgress, showProgress } from './warm-progress.ts';

type Options = Partial<Record<Exclude<WarmPart, 'profiles'>, boolean>> & {
  full?: boolean;
  profiles?: true | 'all';
  dryRun?: boolean;
  allProfiles?: boolean;
  force?: boolean;
  allowShrink?: boolean;
  json?: boolean;
};

/** As a shell counts a program that SIGINT ended. */
const INTERRUPTED = 130;

/**
 * `npm run warm`: starts a warm, waits for it and shows its report. Exit code 0 warm, 1 failed, 2 wrong usage, 130 cancelled
 * by Ctrl-C.
 */
const command = new Command('npm run warm --')
  .description(
    'Warms the cache from the lakehouse, through Temporal. Without parts: all of them. Ctrl-C cancels the warm.',
  )
  .option('--full', 'all parts (the default)')
  .option('--dry-run', 'read and report what would be written, and write nothing')
  .option('--all-profiles', 'every profile, not just the hot ones')
  .option('--force', 'read the lakehouse also where it has not changed since the last warm')
  .option('--allow-shrink', 'take over also what has become much smaller since the last warm')
  .option('--json', 'print the report as JSON, and nothing else')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
for (const part of warmParts)
  if (part === 'profiles')
    command.addOption(
      new Option('--profiles [all]', 'the profiles: the hot ones, or all of them').choices(['all']),
    );
  else command.option(`--${part}`, `the ${part}`);

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
          allProfiles: options.allProfiles === true || options.profiles === 'all',
          force: options.force === true,
          allowShrink: options.allowShrink === true,
        },
      ],
      staticSummary: `Warm of ${parts.join(', ')} by hand`,
    });
    process.on('SIGINT', () => {
      // Whoever presses it twice does not want to wait.
      if (process.exitCode === INTERRUPTED) process.exit();
      process.exitCode = INTERRUPTED;
      console.error(`\nCancelling ${run.workflowId}; once more leaves at once …`);
      run.cancel().catch((error: unknown) => console.error(`It could not be cancelled: ${String(error)}`));
    });
    if (!options.json)
      console.log(
        `Warming ${parts.join(', ')} as ${run.workflowId}${config.TEMPORAL_UI_URL ? `: ${config.TEMPORAL_UI_URL}/namespaces/${config.TEMPORAL_NAMESPACE}/workflows/${run.workflowId}` : ''}`,
      );
    const endProgress = options.json
      ? () => {}
      : showProgress(process.stdout, () => readWarmProgress(temporal));
    show(await run.result().finally(endProgress), options);
  } catch (error) {
    const failure = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (failure instanceof CancelledFailure) {
      console.error(
        'The warm was cancelled. What it had written stays, and each set is the old or the new one.',
      );
      process.exitCode = INTERRUPTED;
      return;
    }
    if (!(failure instanceof ApplicationFailure)) throw error;
    if (failure.type === WARM_INCOMPLETE) show(failure.details?.[0] as WarmReport, options);
    console.error(failure.cause?.message ?? failure.message);
    process.exitCode = 1;
  } finally {
    await temporal.connection.close();
  }
}, [ConfigError, TemporalUnavailableError]);

function show(report: WarmReport, { json }: Options): void {
  if (json) console.log(JSON.stringify(report, null, 2));
  else printWarmReport(report);
}
