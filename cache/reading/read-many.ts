import type { ChainableCommander } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import type { Fields, ValueOf } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { execClusterPipeline } from '../redis/cluster-pipeline.ts';
import { createProblemReporter, type ReadProblem } from './read-problem.ts';
import { hashCodec } from './redis-codec.ts';

export interface ReadManyDependencies {
  readonly redis: RedisClient;
  readonly onProblem: (problem: ReadProblem) => void;
}

/**
 * Reads many rows of one entity from Redis in one round trip (to each node of a cluster). It never queries the lakehouse.
 * @returns a read of the values that are cached, by id; empty when Redis does not answer. It never rejects
 */
export function createReadMany<F extends Fields>(
  { name, key: keyOf, fromHash }: TableEntity<F>,
  { redis, onProblem }: ReadManyDependencies,
): (ids: readonly string[]) => Promise<ReadonlyMap<string, ValueOf<F>>> {
  const codec = hashCodec(fromHash);
  const reportProblem = createProblemReporter(name, onProblem);
  const readCommand = (key: string) => ({
    key,
    queue: (pipeline: ChainableCommander) => codec.queueRead(pipeline, key),
    send: () => redis.hgetall(key),
  });

  return async function readMany(ids) {
    const values = new Map<string, ValueOf<F>>();
    const replies = await execClusterPipeline(
      redis,
      ids.map((id) => readCommand(keyOf(id))),
    ).catch((error: unknown) => {
      reportProblem(keyOf('*'), 'look-up', error);
      return [];
    });
    replies.forEach(([error, reply], index) => {
      const id = ids[index] ?? '';
      try {
        if (error) throw error;
        const value = codec.decode(reply);
        if (value !== null) values.set(id, value);
      } catch (failure) {
        reportProblem(keyOf(id), error ? 'look-up' : 'decode', failure);
      }
    });
    return values;
  };
}
