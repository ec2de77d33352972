import { Redis, type ChainableCommander } from 'ioredis';
import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { RangeReader } from '../../clients/kafka/range-reader.ts';
import type { Transactions } from '../../clients/kafka/transactions.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { MlApi } from '../../clients/ml-api.ts';
import type { FaultInjector } from './fault-injector.ts';

/** Clients that do as the real ones and pass the points of a range. */
export function faultyClients(faults: FaultInjector) {
  const positions = (inner: Offsets): Offsets => ({
    ...inner,
    async committed(...place) {
      const committed = await inner.committed(...place);
      await faults.pass('after-position');
      return committed;
    },
  });

  const transactions = (inner: Transactions, tell: (what: string) => void): Transactions => ({
    ...inner,
    async begin(...id) {
      const transaction = await inner.begin(...id);
      await faults.pass('after-fence');
      return {
        ...transaction,
        async commit(output) {
          try {
            await transaction.commit(output);
          } catch (error) {
            tell(`commit refused ${output.partition}/${output.offset}: ${String(error)}`);
            throw error;
          }
          tell(`commit done ${output.partition}/${output.offset}`);
          await faults.pass('after-commit');
        },
      };
    },
  });

  const reader = (inner: RangeReader): RangeReader => ({
    ...inner,
    async read(...range) {
      const records = await inner.read(...range);
      await faults.pass('after-read');
      return records;
    },
  });

  const known =
    <T>(inner: Lookup<T>): Lookup<T> =>
    async (ids) => {
      const features = await inner(ids);
      await faults.pass('after-features');
      return features;
    };

  const mlApi = (inner: MlApi): MlApi => ({
    ...inner,
    async score(...profiles) {
      const results = await inner.score(...profiles);
      await faults.pass('after-model');
      return results;
    },
  });

  /** Scores go to Redis in one pipeline; whoever runs it passes the points. */
  function redis(inner: RedisClient): RedisClient {
    const tap = () => inner instanceof Redis && faults.sockets.add(inner.stream);
    if (inner.status === 'ready') tap();
    inner.on('connect', tap);
    return withPipeline(inner, (pipeline) => {
      const exec = pipeline.exec.bind(pipeline);
      pipeline.exec = async () => {
        const replies = exec();
        faults.trigger('unseen-cache');
        const seen = await replies;
        await faults.pass('after-cache');
        return seen;
      };
      return pipeline;
    });
  }
  return { positions, transactions, reader, known, mlApi, redis };
}

/** The same client, whose pipelines are changed as they are made. */
export function withPipeline(
  inner: RedisClient,
  change: (pipeline: ChainableCommander) => ChainableCommander,
): RedisClient {
  return new Proxy(inner, {
    get: (target, name): unknown => {
      if (name === 'pipeline') return () => change(target.pipeline());
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
