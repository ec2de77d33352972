import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import kafkajs from 'kafkajs';
import { createKafkaClient } from '../clients/kafka/client.ts';
import { OffsetsUnavailableError } from '../clients/kafka/range-reader.ts';
import { ConfigError } from '../config/config.ts';
import {
  InvalidFilterError,
  parseOffsets,
  parseSince,
  type DeadLetter,
  type DeadLetterFilter,
} from '../domain/scoring/dead-letter.ts';
import { deadLetterReasons } from '../domain/scoring/parse-outcome.ts';
import { deadLetterTopic, PROFILES_TOPIC } from '../domain/scoring/topics.ts';
import { DeadLettersNotFoundError, openDeadLetters, type DeadLetters } from '../clients/kafka/dead-letters.ts';
import { commandConfig } from './environment.ts';
import { printableJson } from './printable.ts';
import { ReplayError, replay } from '../clients/kafka/replay-dead-letters.ts';
import { runCommand } from './run-command.ts';
import { asJson, countByReason, printLetters } from './format-dead-letters.ts';

interface CommonOptions {
  topic: string;
  reason?: string;
  since?: number;
  json?: boolean;
}
type ListOptions = CommonOptions & { limit: number };
type ReplayOptions = CommonOptions & {
  offsets?: ReturnType<typeof parseOffsets>;
  dryRun?: boolean;
  yes?: boolean;
};

/** `npm run dlq`: looks at dead letters and sends them back. Exit code 0 done, 1 failed, 2 wrong usage. */
const program = new Command('npm run dlq --')
  .description('Dead letters: records of an input topic that could not be processed, kept in <topic>.dlq.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const reason = () =>
  new Option('--reason <reason>', 'only those with this reason').choices(deadLetterReasons);
const since = () =>
  new Option('--since <when>', 'only those written since: ISO 8601 text, or an age like 1h').argParser(
    parsed((text) => parseSince(text, Date.now())),
  );

program
  .command('list')
  .description('Shows the newest dead letters, oldest of them first. Replayed ones stay: Kafka removes none.')
  .option('--topic <topic>', 'the input topic', parsed(topicName), PROFILES_TOPIC)
  .addOption(reason())
  .addOption(since())
  .option('--limit <n>', 'at most so many', parsed(limitOf), 50)
  .option('--json', 'print them as JSON')
  .action((options: ListOptions) => withLetters(options.topic, (letters) => list(letters, options)));

program
  .command('replay')
  .description(
    'Sends dead letters back to their input topic, in order, key, value and headers as they were. Letters stay where ' +
      'they are, so a second replay sends them again. Events older than the watermark count as late.',
  )
  .requiredOption('--topic <topic>', 'the input topic', parsed(topicName))
  .addOption(
    new Option('--offsets <places>', 'just these, as partition:offset,… of the dead letter topic')
      .argParser(parsed(parseOffsets))
      .conflicts(['reason', 'since']),
  )
  .addOption(reason())
  .addOption(since())
  .option('--dry-run', 'say what would be sent, and send nothing')
  .option('--yes', 'do not ask')
  .option('--json', 'print the result as JSON')
  .action((options: ReplayOptions, command: Command) => {
    if (!options.dryRun && !options.yes && !process.stdin.isTTY)
      command.error('error: there is no terminal to ask at: give --yes or --dry-run', { exitCode: 2 });
    return withLetters(options.topic, (letters, kafka) => replayLetters(letters, kafka, options));
  });

await program.parseAsync();
// kafkajs 2.2.4 now and then leaves a socket open after disconnect; what was printed goes out first.
process.stdout.write('', () => process.exit());

async function withLetters(
  topic: string,
  work: (letters: DeadLetters, kafka: kafkajs.Kafka) => Promise<void>,
): Promise<void> {
  await runCommand(async () => {
    const config = commandConfig();
    const kafka = createKafkaClient(config.KAFKA_BROKERS, 'kol-cache-dlq', () => {}); // failures are thrown, and shown once
    const letters = await openDeadLetters(kafka, config.SCORING_GROUP, topic);
    try {
      await work(letters, kafka);
    } finally {
      await letters.close();
    }
  }, [ConfigError, DeadLettersNotFoundError, OffsetsUnavailableError, ReplayError, kafkajs.KafkaJSError]);
}

async function list(letters: DeadLetters, { topic, limit, json, ...options }: ListOptions): Promise<void> {
  const found = await letters.newest(filterOf(options), limit);
  if (json) console.log(printableJson({ topic: deadLetterTopic(topic), deadLetters: found.map(asJson) }));
  else printLetters(deadLetterTopic(topic), found, limit);
}

async function replayLetters(
  letters: DeadLetters,
  kafka: kafkajs.Kafka,
  options: ReplayOptions,
): Promise<void> {
  const { topic, offsets, dryRun = false, yes = false, json = false } = options;
  const chosen = (): AsyncIterable<DeadLetter[]> =>
    offsets === undefined ? letters.all(filterOf(options)) : inOne(letters.at(offsets));
  const counts = await countByReason(chosen());
  const what = `${counts.total} dead letters of ${deadLetterTopic(topic)} to ${topic}`;
  const tell = (sentence: string, replayed: number) =>
    console.log(
      json
        ? printableJson({ topic, dryRun, replayed, letters: counts.total, byReason: counts.byReason })
        : sentence,
    );
  if (dryRun) return tell(`Would replay ${what}${counts.text}`, 0);
  if (counts.total > 0 && !yes && !(await agreed(`Replay ${what}${counts.text}?`)))
    return tell('Nothing was replayed.', 0);
  const target = { topic, partitions: letters.inputPartitions };
  const replayed = counts.total === 0 ? 0 : await replay(kafka, target, letters.whole(chosen()));
  tell(`Replayed ${what}${counts.text}`, replayed);
}

function filterOf({ reason, since }: Pick<CommonOptions, 'reason' | 'since'>): DeadLetterFilter {
  return { reason, sinceMs: since };
}

async function* inOne(letters: Promise<DeadLetter[]>): AsyncGenerator<DeadLetter[]> {
  yield await letters;
}

async function agreed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/** Wrong text of an option is wrong usage, told by commander. */
function parsed<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof InvalidFilterError) throw new InvalidArgumentError(`${error.message}.`);
      throw error;
    }
  };
}

function topicName(text: string): string {
  if (!/^[A-Za-z0-9._-]{1,245}$/.test(text)) throw new InvalidFilterError('accepted is the name of a topic');
  if (text.endsWith(deadLetterTopic('')))
    throw new InvalidFilterError(`name the input topic, without ${deadLetterTopic('')}`);
  return text;
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new InvalidFilterError('accepted is a whole number of 1 to 10000');
  return limit;
}
