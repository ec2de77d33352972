import { kafkaTool } from './kafka-tool.ts';

/** The compressions of Kafka. */
export const compressions = ['gzip', 'snappy', 'lz4', 'zstd'] as const;

/**
 * Produces records with the console producer of Kafka. It is the Java client, so it compresses as most producers do. Each line is
 * a value, so values must not have line feeds.
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
