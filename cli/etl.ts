import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { TemporalUnavailableError } from '../clients/temporal/connect.ts';
import { ConfigError } from '../config/config.ts';
import { parseEtlLoad } from '../contract/etl-loads.ts';
import type { EtlLoad } from '../domain/warming/etl-load.ts';
import { formatInvalidValue } from '../domain/values/invalid-value.ts';
import { partsOfTables } from '../domain/warming/warm-parts.ts';
import { signalEtlLoad } from '../clients/temporal/signal-etl-load.ts';
import { createCommand, runCommand } from './run-command.ts';
import { withClients } from './with-clients.ts';
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

/** Options whose names differ from the fields of a load, for messages. */
const optionOf: Readonly<Record<string, string>> = { runId: '--run-id', loadedAt: '--loaded-at' };

/** `npm run etl`: signals ETL loads, as pipelines do. Exit codes: 0 Temporal accepted it, 1 failed, 2 wrong usage. */
const program = createCommand('npm run etl --').description('Reports ETL loads to the cache (docs/etl.md).');

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
  .option('--pipeline <name>', 'the pipeline that reports the load', `cli:${userInfo().username}`)
  .option('--run-id <id>', 'id of the pipeline run; repeats of the same run count once')
  .option('--loaded-at <time>', 'when the tables were loaded: ISO 8601 with Z or an offset')
  .option('--json', 'print the answer as JSON')
  .action((options: Options, command: Command) => {
    const { json = false, ...given } = options;
    const { load, problems } = parseEtlLoad(given);
    if (load === null || problems.length > 0) {
      const named = problems.map((one) => ({ ...one, name: optionOf[one.name] ?? `--${one.name}` }));
      command.error(named.map((one) => `error: ${formatInvalidValue(one)}`).join('\n'), { exitCode: 2 });
    }
    return runCommand(() => loaded(load, json), [ConfigError, TemporalUnavailableError]);
  });

await program.parseAsync();

function loaded(load: EtlLoad, json: boolean): Promise<void> {
  return withClients(async (clients, config) => {
    const { workflowId, runId } = await signalEtlLoad(await clients.temporal(), load);
    if (json) {
      console.log(JSON.stringify({ workflowId, runId, load }, null, 2));
      return;
    }
    const parts = partsOfTables(load.tables);
    const effect =
      parts.length === 0 ? 'the cache holds nothing from it' : `it warms the parts ${parts.join(', ')}`;
    const message = `Signalled the load of ${load.tables.join(', ')} to workflow ${workflowId}; ${effect}`;
    console.log(withWorkflowLink(message, config, workflowId));
  });
}

function commaSeparated(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}
