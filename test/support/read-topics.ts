import type { PartitionOffset } from '../../domain/kafka-location.ts';
import { kafkaTool } from './kafka-tool.ts';

/** A record as the broker's own Java client prints it. */
export interface PrintedRecord extends PartitionOffset {
  readonly headers: Readonly<Record<string, string>>;
  readonly key: string;
  readonly value: string;
}

const COLUMNS = ['print.partition', 'print.offset', 'print.headers', 'print.key'];
/** The reader stops when no record has arrived for this long. */
const IDLE_MS = 5000;

/**
 * Reads all topics whose full name matches, from their beginning and read-committed. It uses the Java client, because a proof must
 * not depend on kafkajs. Keys and values must be text without tabs and line breaks.
 * @param pattern a Java regular expression
 */
export async function readTopics(brokers: string, pattern: string): Promise<PrintedRecord[]> {
  const printed = await kafkaTool('consumer.ConsoleConsumer', [
    ...['--bootstrap-server', brokers, '--include', pattern, '--from-beginning'],
    ...['--isolation-level', 'read_committed', '--timeout-ms', String(IDLE_MS)],
    ...COLUMNS.flatMap((column) => ['--property', `${column}=true`]),
  ]);
  // The tool prints log lines to the same stream.
  return printed
    .split('\n')
    .filter((line) => line.startsWith('Partition:'))
    .map(parseLine);
}

/** `Partition:0\tOffset:5\tname:value,name:value\tkey\tvalue` */
function parseLine(line: string): PrintedRecord {
  const [partition = '', offset = '', headers = '', key = '', ...value] = line.split('\t');
  return {
    partition: Number(partition.replace('Partition:', '')),
    offset: Number(offset.replace('Offset:', '')),
    headers: Object.fromEntries(
      (headers === 'NO_HEADERS' ? [] : headers.split(/,(?=__connect)/)).map((header) => {
        const colon = header.indexOf(':');
        return [header.slice(0, colon), header.slice(colon + 1)];
      }),
    ),
    key,
    value: value.join('\t'),
  };
}
