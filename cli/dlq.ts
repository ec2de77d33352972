import type { Command } from 'commander';
import kafkajs from 'kafkajs';
import {
  DeadLettersNotFoundError,
  openDeadLetters,
  type DeadLetters,
} from '../clients/kafka/dead-letters.ts';
import {
  OffsetOutOfRangeError,
  RecordsUnavailableError,
  UndecodableBatchError,
} from '../clients/kafka/read-errors.ts';
import { createKafkaClient } from '../clients/kafka/client.ts';
import { ReplayError, replay } from '../clients/kafka/replay-dead-letters.ts';
import { LeaderNotFoundError, TopicNotFoundError } from '../clients/kafka/topic-errors.ts';
import { ConfigError } from '../config/config.ts';
import type { OffsetRange, PartitionOffset } from '../domain/kafka-location.ts';
import type { DeadLetter } from '../domain/scoring/dead-letter.ts';
import { PROFILES_TOPIC } from '../domain/scoring/topics.ts';
import { deadLetterTopic } from '../domain/scoring/output-record.ts';
import { confirm } from './confirm.ts';
import { countDeadLetters } from './count-dead-letters.ts';
import { limitOption, offsetsOption, reasonOption, sinceOption, topicOption } from './dead-letter-options.ts';
import { deadLetterToJson, printDeadLetters } from './format-dead-letters.ts';
import { printableJson } from './printable.ts';
import { readCommandConfig } from './read-config.ts';
import { createCommand, runCommand } from './run-command.ts';

interface CommonOptions {
  topic: string;
  reason?: string;
  since?: number;
  json?: boolean;
}
type ListOptions = CommonOptions & { limit: number };
type ReplayOptions = CommonOptions & {
  offsets?: PartitionOffset[];
  dryRun?: boolean;
  yes?: boolean;
};

/** `npm run dlq`: lists dead letters and replays them. Exit codes: 0 done, 1 failed, 2 wrong usage. */
const program = createCommand('npm run dlq --').description(
  'Dead letters are records of an input topic that could not be processed. They are kept in <topic>.dlq.',
);

program
  .command('list')
  .description(
    'Shows the newest dead letters, oldest first. Letters that were replayed are shown too: Kafka cannot remove single records.',
  )
  .addOption(topicOption().default(PROFILES_TOPIC))
  .addOption(reasonOption())
  .addOption(sinceOption())
  .addOption(limitOption())
  .option('--json', 'print them as JSON')
  .action((options: ListOptions) => withDeadLetters(options.topic, (letters) => list(letters, options)));

program
  .command('replay')
  .description(
    'Sends dead letters back to their input topic, in order, with their original key, value and headers. The letters stay in ' +
      'the dead letter topic, so a second replay sends them again. Events older than the watermark count as late.',
  )
  .addOption(topicOption().makeOptionMandatory())
  .addOption(offsetsOption())
  .addOption(reasonOption())
  .addOption(sinceOption())
  .option('--dry-run', 'report what would be sent, without sending it')
  .option('--yes', 'do not ask for confirmation')
  .option('--json', 'print the result as JSON')
  .action((options: ReplayOptions, command: Command) => {
    if (!options.dryRun && !options.yes && !process.stdin.isTTY)
      command.error('error: there is no terminal to ask for confirmation: use --yes or --dry-run', {
        exitCode: 2,
      });
    return withDeadLetters(options.topic, (letters, kafka) => replayLetters(letters, kafka, options));
  });

/** Errors that an operator can act on. Their message says how. */
const KNOWN_ERRORS = [
  ConfigError,
  DeadLettersNotFoundError,
  LeaderNotFoundError,
  OffsetOutOfRangeError,
  RecordsUnavailableError,
  ReplayError,
  TopicNotFoundError,
  UndecodableBatchError,
  kafkajs.KafkaJSError,
];

await program.parseAsync();
// kafkajs 2.2.4 sometimes leaves a socket open after disconnect, so exit explicitly, after the output is written.
process.stdout.write('', () => process.exit());

async function withDeadLetters(
  topic: string,
  work: (letters: DeadLetters, kafka: kafkajs.Kafka) => Promise<void>,
): Promise<void> {
  await runCommand(async () => {
    const { KAFKA_BROKERS } = readCommandConfig(['KAFKA_BROKERS']);
    // no log: errors are thrown, and the command prints them once
    const kafka = createKafkaClient(KAFKA_BROKERS, 'kol-cache-cli', () => {});
    const letters = await openDeadLetters(kafka, topic, reportExpired);
    try {
      await work(letters, kafka);
    } finally {
      await letters.close();
    }
  }, KNOWN_ERRORS);
}

function reportExpired({ topic, partition, from, to }: OffsetRange): void {
  console.error(
    `Retention has deleted ${topic}/${partition}/${from} to ${to - 1} since the command started: they are skipped.`,
  );
}

async function list(letters: DeadLetters, options: ListOptions): Promise<void> {
  const { limit, json } = options;
  const topic = deadLetterTopic(options.topic);
  const newest = await letters.newest({ reason: options.reason, sinceMs: options.since }, limit);
  if (json) console.log(printableJson({ topic, deadLetters: newest.map(deadLetterToJson) }));
  else printDeadLetters(topic, newest, limit);
}

async function replayLetters(
  letters: DeadLetters,
  kafka: kafkajs.Kafka,
  { topic, reason, since, offsets, dryRun = false, yes = false, json = false }: ReplayOptions,
): Promise<void> {
  const selected = (): AsyncIterable<DeadLetter[]> =>
    offsets === undefined ? letters.all({ reason, sinceMs: since }) : asOneBatch(letters.at(offsets));
  const counts = await countDeadLetters(selected());
  const what = `${counts.total} dead letters from ${deadLetterTopic(topic)} to ${topic}${counts.text}`;
  const print = (sentence: string, replayed: number) =>
    console.log(
      json
        ? printableJson({ topic, dryRun, replayed, letters: counts.total, byReason: counts.byReason })
        : sentence,
    );
  if (dryRun) return print(`Would replay ${what}`, 0);
  if (counts.total > 0 && !yes && !(await confirm(`Replay ${what}?`)))
    return print('Nothing was replayed.', 0);
  const target = { topic, partitions: letters.inputPartitions };
  const replayed =
    counts.total === 0 ? 0 : await replay(kafka, target, letters.withLeftOutValues(selected()));
  print(`Replayed ${replayed === counts.total ? '' : `${replayed} of `}${what}`, replayed);
}

async function* asOneBatch(letters: Promise<DeadLetter[]>): AsyncGenerator<DeadLetter[]> {
  yield await letters;
}
