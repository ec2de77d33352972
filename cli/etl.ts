import { userInfo } from 'node:os';
import { Command } from 'commander';
import { connectTemporal, TemporalUnavailableError } from '../clients/temporal/connect.ts';
import { ConfigError } from '../config/config.ts';
import { checkLoad, type EtlLoad } from '../domain/warming/etl-load.ts';
import { formatInvalidValue } from '../domain/values/invalid-value.ts';
import { partsOfTables } from '../domain/warming/warm-parts.ts';
import { signalEtlLoad } from '../clients/temporal/signal-etl-load.ts';
import { commandConfig } from './environment.ts';
import { runCommand } from './run-command.ts';

interface Options {
  tables: string[];
  platforms?: string[];
  ids?: string[];
  pipeline: string;
  runId?: string;
  loadedAt?: string;
  json?: boolean;
}

/** Option names by the fields of a load, for messages. */
const optionOf: Readonly<Record<string, string>> = { runId: '--run-id', loadedAt: '--loaded-at' };

/** `npm run etl`: tells of ETL loads, as pipelines do. Exit code 0 Temporal has it, 1 failed, 2 wrong usage. */
const program = new Command('npm run etl --')
  .description('Tells the cache of ETL loads (docs/etl.md).')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

program
  .command('loaded')
  .description('Tables were loaded: what depends on them is warmed within seconds. Does not wait for it.')
  .requiredOption('--tables <tables>', 'Silver tables, separated by commas', commaSeparated)
  .option('--platforms <platforms>', 'only rows of these platforms changed', commaSeparated)
  .option('--ids <ids>', 'only these rows changed: KOL ids, or content ids of kol_content', commaSeparated)
  .option('--pipeline <name>', 'who says so', `cli:${userInfo().username}`)
  .option('--run-id <id>', "the pipeline's run: what it says twice counts once")
  .option('--loaded-at <time>', 'when, ISO 8601 with Z or an offset')
  .option('--json', 'print the answer as JSON')
  .action((options: Options, command: Command) => {
    const { json = false, ...given } = options;
    const { load, problems } = checkLoad(given);
    if (load === null || problems.length > 0) {
      const named = problems.map((one) => ({ ...one, name: optionOf[one.name] ?? `--${one.name}` }));
      command.error(named.map((one) => `error: ${formatInvalidValue(one)}`).join('\n'), { exitCode: 2 });
    }
    return runCommand(() => loaded(load, json), [ConfigError, TemporalUnavailableError]);
  });

await program.parseAsync();

async function loaded(load: EtlLoad, json: boolean): Promise<void> {
  const config = commandConfig();
  const temporal = await connectTemporal(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE);
  try {
    const { workflowId, runId } = await signalEtlLoad(temporal, load);
    if (json) {
      console.log(JSON.stringify({ workflowId, runId, load }, null, 2));
      return;
    }
    const parts = partsOfTables(load.tables);
    const where = config.TEMPORAL_UI_URL
      ? `: ${config.TEMPORAL_UI_URL}/namespaces/${config.TEMPORAL_NAMESPACE}/workflows/${workflowId}`
      : '';
    console.log(
      parts.length === 0
        ? `Told ${workflowId} of ${load.tables.join(', ')}, of which the cache holds nothing${where}`
        : `Told ${workflowId} of ${load.tables.join(', ')}; it warms what depends on them${where}`,
    );
  } finally {
    await temporal.connection.close();
  }
}

function commaSeparated(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}
