import {
  CancelledFailure,
  ServiceError,
  WorkflowFailedError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { Option } from 'commander';
import { TemporalUnavailableError } from '../clients/temporal/connect.ts';
import { reasonOfFailure, reportOfFailure } from '../clients/temporal/read-warm.ts';
import { readWarmProgress } from '../clients/temporal/read-warm-progress.ts';
import { startWarm } from '../clients/temporal/start-warm.ts';
import { ConfigError } from '../config/config.ts';
import { warmParts, type WarmPart } from '../domain/warming/warm-parts.ts';
import type { WarmReport } from '../contract/warm-cache.ts';
import type { Workflows } from '../contract/workflows.ts';
import { operatorName } from './operator-name.ts';
import { createCommand, runCommand } from './run-command.ts';
import { printWarmReport } from './format-warm-report.ts';
import { printableJson, printableLines } from './printable.ts';
import { showProgress } from './warm-progress.ts';
import { withTemporal } from './with-temporal.ts';
import { withWorkflowLink, type TemporalUi } from './workflow-link.ts';

type Options = Partial<Record<Exclude<WarmPart, 'profiles'>, boolean>> & {
  full?: boolean;
  profiles?: true | 'all';
  dryRun?: boolean;
  allProfiles?: boolean;
  force?: boolean;
  allowShrink?: boolean;
  json?: boolean;
};

const partDescriptions: Readonly<Record<Exclude<WarmPart, 'profiles'>, string>> = {
  rankings: 'the rankings of KOLs',
  trending: 'the trending content',
  stats: 'the statistics',
  search: 'the search index, the terms for autocomplete and the filters of known ids',
  lists: 'the lists of profiles',
};

/** Maximum characters of the reason of a failure, which quotes Trino. */
const MAX_REASON = 10_000;
/** The exit code that shells report for a program that SIGINT ended. */
const INTERRUPTED = 130;

/**
 * `npm run warm`: starts a warm, waits for it and prints its report. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled
 * by Ctrl-C.
 */
const command = createCommand('npm run warm --')
  .description(
    'Warms the cache from the lakehouse: the named parts, or all parts if none is named. Ctrl-C cancels the warm.',
  )
  .option('--full', 'all parts (the default)')
  .option('--dry-run', 'report what would be written, without writing it')
  .option('--all-profiles', 'every profile, not only the hot ones')
  .option('--force', 'read the lakehouse even if it has not changed since the last warm')
  .option('--allow-shrink', 'accept a part that is much smaller than at the last warm')
  .option('--json', 'print only the report, as JSON');
for (const part of warmParts)
  if (part === 'profiles')
    command.addOption(
      new Option('--profiles [all]', 'the profiles: the hot ones, or all of them').choices(['all']),
    );
  else command.option(`--${part}`, partDescriptions[part]);

const options = command.parse().opts<Options>();
await runCommand(() => withTemporal(warm), [ConfigError, ServiceError, TemporalUnavailableError]);

async function warm(temporal: Client, ui: TemporalUi): Promise<void> {
  const picked = warmParts.filter((part) => options[part]);
  const parts = options.full || picked.length === 0 ? warmParts : picked;
  try {
    const { workflowId, runId } = await startWarm(temporal, {
      parts,
      requestedBy: operatorName(),
      dryRun: options.dryRun === true,
      allProfiles: options.allProfiles === true || options.profiles === 'all',
      force: options.force === true,
      allowShrink: options.allowShrink === true,
    });
    const run = temporal.workflow.getHandle<Workflows['warmCache']>(workflowId, runId);
    if (!options.json)
      console.log(withWorkflowLink(`Warming ${parts.join(', ')} as ${workflowId}`, ui, workflowId));
    const stopProgress = options.json
      ? () => {}
      : showProgress(process.stdout, () => readWarmProgress(temporal));
    cancelOnInterrupt(run, stopProgress);
    printReport(await run.result().finally(stopProgress), options);
  } catch (error) {
    handleFailure(error, options);
  }
}

/** The first Ctrl-C cancels the warm. The second one exits without waiting. */
function cancelOnInterrupt(run: WorkflowHandle, stopProgress: () => void): void {
  process.on('SIGINT', () => {
    if (process.exitCode === INTERRUPTED) process.exit();
    process.exitCode = INTERRUPTED;
    stopProgress();
    console.error(`Cancelling ${run.workflowId}; press Ctrl-C again to exit without waiting`);
    run
      .cancel()
      .catch((error: unknown) => console.error(`The warm could not be cancelled: ${String(error)}`));
  });
}

/** Prints why a warm failed and sets the exit code. @throws the error if it is not the failure of a warm */
function handleFailure(error: unknown, options: Options): void {
  if (!(error instanceof WorkflowFailedError)) throw error;
  if (error.cause instanceof CancelledFailure) {
    console.error(
      'The warm was cancelled. Entries that it wrote stay; each ranking or list is either the old or the new one.',
    );
    process.exitCode = INTERRUPTED;
    return;
  }
  const report = reportOfFailure(error.cause);
  if (report !== null) printReport(report, options);
  console.error(printableLines(reasonOfFailure(error), MAX_REASON));
  process.exitCode = 1;
}

function printReport(report: WarmReport, { json }: Options): void {
  if (json) console.log(printableJson(report));
  else printWarmReport(report);
}
