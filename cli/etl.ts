import { ServiceError } from '@temporalio/client';
import { InvalidArgumentError, type Command } from 'commander';
import { TemporalUnavailableError } from '../clients/temporal/connect.ts';
import { ConfigError } from '../config/config.ts';
import { parseEtlLoad, parseEtlRunSelector, type EtlRunStatus } from '../contract/etl-loads.ts';
import { partsAndScopesOf, type EtlLoad, type PartsAndScopes } from '../domain/warming/etl-load.ts';
import type { EtlRunSelector } from '../domain/warming/load-memory.ts';
import { formatInvalidValue, type InvalidValue } from '../domain/values/invalid-value.ts';
import type { WarmPart } from '../domain/warming/warm-parts.ts';
import { signalEtlLoad } from '../clients/temporal/signal-etl-load.ts';
import { exitCodeOf, LoadsUnansweredError, printRun, readRun, waitForRun } from './etl-run.ts';
import { operatorName } from './operator-name.ts';
import { createCommand, runCommand } from './run-command.ts';
import { withTemporal } from './with-temporal.ts';
import { withWorkflowLink } from './workflow-link.ts';

interface Options {
  tables: string[];
  platforms?: string[];
  ids?: string[];
  pipeline: string;
  runId?: string;
  loadedAt?: string;
  json?: boolean;
}

interface RunOptions {
  pipeline?: string;
  timeout?: number;
  json?: boolean;
}

/** Options whose names differ from the fields of a load, for messages. */
const optionOf: Readonly<Record<string, string>> = { runId: '--run-id', loadedAt: '--loaded-at' };

/** Errors that an operator can act on. Their message says how. */
const KNOWN_ERRORS = [ConfigError, LoadsUnansweredError, ServiceError, TemporalUnavailableError];

/**
 * `npm run etl`: signals ETL loads, as pipelines do, and shows their state. Exit codes: 0 success, 1 failed, 2 wrong usage, 3 the wait is
 * over and the load is not finished.
 */
const program = createCommand('npm run etl --').description(
  'Reports ETL loads to the cache, and says what became of them (docs/etl.md).',
);

program
  .command('loaded')
  .description(
    'Reports that tables were loaded. The parts of the cache that depend on them are warmed within seconds; this command does not wait.',
  )
  .requiredOption('--tables <tables>', 'the loaded Silver tables, separated by commas', commaSeparated)
  .option(
    '--platforms <platforms>',
    'only rows of these platforms changed, separated by commas',
    commaSeparated,
  )
  .option('--ids <ids>', 'only these rows changed: KOL ids, or content ids for kol_content', commaSeparated)
  .option('--pipeline <name>', 'the pipeline that reports the load', operatorName())
  .option('--run-id <id>', 'id of the pipeline run; repeats of the same run count once')
  .option('--loaded-at <time>', 'when the tables were loaded: ISO 8601 with Z or an offset')
  .option('--json', 'print the answer as JSON')
  .action((options: Options, command: Command) => {
    const { json = false, ...given } = options;
    const { load, problems } = parseEtlLoad(given);
    if (load === null || problems.length > 0) return refuse(problems, command);
    return runCommand(() => loaded(load, json), KNOWN_ERRORS);
  });

program
  .command('wait')
  .description(
    'Waits until the loads of a pipeline run are done or failed. Exit codes: 0 done, 1 failed or not known, 2 wrong usage, 3 not finished in time.',
  )
  .argument('<run-id>', 'id of the pipeline run')
  .option('--pipeline <name>', 'only the loads of this pipeline')
  .option('--timeout <seconds>', 'the longest wait', wholeSeconds, 600)
  .option('--json', 'print only the result, as JSON')
  .action((runId: string, options: RunOptions, command: Command) => {
    const run = selectorOf(runId, options, command);
    return runCommand(() => waitUntilFinished(run, options), KNOWN_ERRORS);
  });

program
  .command('status')
  .description(
    'Prints what became of the loads of a pipeline run. Exit codes: 0 known, 1 not known, 2 wrong usage.',
  )
  .argument('<run-id>', 'id of the pipeline run')
  .option('--pipeline <name>', 'only the loads of this pipeline')
  .option('--json', 'print the result as JSON')
  .action((runId: string, options: RunOptions, command: Command) => {
    const run = selectorOf(runId, options, command);
    return runCommand(() => printStatus(run, options), KNOWN_ERRORS);
  });

await program.parseAsync();

function loaded(load: EtlLoad, json: boolean): Promise<void> {
  return withTemporal(async (temporal, ui) => {
    const { workflowId, runId } = await signalEtlLoad(temporal, load);
    if (json) {
      console.log(JSON.stringify({ workflowId, runId, load }, null, 2));
      return;
    }
    const effect = formatEffect(partsAndScopesOf([load]));
    const message = `Signalled the load of ${load.tables.join(', ')} to workflow ${workflowId}; ${effect}`;
    console.log(withWorkflowLink(message, ui, workflowId));
  });
}

/** The effect of a load. For a load with ids, only the keys of these ids are warmed. */
function formatEffect({ parts, scopes }: PartsAndScopes): string {
  if (parts.length === 0) return 'it starts no warm; cached scores expire within an hour';
  const ofPart = (part: WarmPart) => {
    const { ids, platforms } = scopes[part] ?? {};
    if (ids !== undefined) return `${ids.length} ids of ${part}`;
    return platforms === undefined ? part : `${part} (${platforms.join(', ')})`;
  };
  return `it warms ${parts.map(ofPart).join(', ')}`;
}

function commaSeparated(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

/** Ends the process with exit code 2 when the run id or the pipeline is not valid. */
function selectorOf(runId: string, { pipeline }: RunOptions, command: Command): EtlRunSelector {
  const parsed = parseEtlRunSelector({ runId, pipeline });
  return 'value' in parsed ? parsed.value : refuse(parsed.invalid, command);
}

function refuse(problems: readonly InvalidValue[], command: Command): never {
  const named = problems.map((one) => ({ ...one, name: optionOf[one.name] ?? `--${one.name}` }));
  return command.error(named.map((one) => `error: ${formatInvalidValue(one)}`).join('\n'), { exitCode: 2 });
}

function waitUntilFinished(run: EtlRunSelector, { timeout = 0, json = false }: RunOptions): Promise<void> {
  return withTemporal(async (temporal) => {
    const read = () => readRun(temporal, run);
    const status = await waitForRun(temporal, read, { seconds: timeout, quiet: json });
    print(run, status, json);
    if (status !== null) process.exitCode = exitCodeOf(status);
  });
}

function printStatus(run: EtlRunSelector, { json = false }: RunOptions): Promise<void> {
  return withTemporal(async (temporal) => print(run, await readRun(temporal, run), json));
}

function print({ runId }: EtlRunSelector, status: EtlRunStatus | null, json: boolean): void {
  if (status !== null) return printRun(status, json);
  console.error(`No load of the run ${JSON.stringify(runId)} is known`);
  process.exitCode = 1;
}

function wholeSeconds(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of seconds.');
}
