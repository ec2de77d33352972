import { kafkaTool } from './kafka-tool.ts';

/** Compressions that Kafka has. */
export const compressions = ['gzip', 'snappy', 'lz4', 'zstd'] as const;

/**
 * Writes records with Kafka's console producer, the broker's own Java client: what it compresses is as most producers
 * out there do. One line a value, so values hold no line feeds.
 */
export async function produceLines(
  brokers: string,
  topic: string,
  compression: (typeof compressions)[number] | 'none',
  values: readonly string[],
): Promise<void> {
  await kafkaTool(
    'ConsoleProducer',
    ['--bootstrap-server', brokers, '--topic', topic, '--compression-codec', compression],
    values.join('\n') + '\n',
  );
}
