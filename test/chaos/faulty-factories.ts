import { Redis, type ChainableCommander } from 'ioredis';
import { realFactories, type ClientFactories } from '../../clients/create-clients.ts';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { RangeReader } from '../../clients/kafka/range-reader.ts';
import type { Transactions } from '../../clients/kafka/transactions.ts';
import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import type { MlApi } from '../../clients/ml-api.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { FaultInjector } from './fault-injector.ts';
import type { Sabotage } from './fault-points.ts';
import { offsetBeforeFence, randomTransactionalId, withoutRedisGuard } from './sabotage.ts';
import { tappedSockets } from './tapped-socket.ts';
import { withPipeline } from '../support/with-pipeline.ts';

/**
 * The real factories, whose clients pass the points of a range at which a fault may happen.
 * @param sabotage breaks one part of the design, to show that the checker notices
 */
export function faultyFactories(
  faults: FaultInjector,
  sabotage: Sabotage | undefined,
  report: (line: string) => void,
): ClientFactories {
  const beforeFence = sabotage === 'offset-before-fence' ? offsetBeforeFence(faults) : undefined;
  return {
    ...realFactories,
    createKafkaClient: (brokers, name, log) =>
      realFactories.createKafkaClient(brokers, name, log, tappedSockets(faults)),
    createOffsets(kafka) {
      const offsets = realFactories.createOffsets(kafka);
      return beforeFence === undefined ? faultyOffsets(offsets, faults) : beforeFence.offsets(offsets);
    },
    createTransactions(kafka) {
      const transactions = realFactories.createTransactions(kafka);
      const sabotaged =
        sabotage === 'random-transactional-id'
          ? randomTransactionalId(transactions)
          : (beforeFence?.transactions(transactions) ?? transactions);
      return faultyTransactions(sabotaged, faults, report);
    },
    createRangeReader: (kafka) => faultyReader(realFactories.createRangeReader(kafka), faults),
    createLookupCache: (look, idOf, options) =>
      faultyLookup(realFactories.createLookupCache(look, idOf, options), faults),
    createMlApi: (options) => faultyMlApi(realFactories.createMlApi(options), faults),
    async connectRedis(url, use, options) {
      const redis = await realFactories.connectRedis(url, use, options);
      return faultyRedis(sabotage === 'no-redis-guard' ? withoutRedisGuard(redis) : redis, faults);
    },
  };
}

const faultyOffsets = (inner: Offsets, faults: FaultInjector): Offsets => ({
  ...inner,
  async committed(...partition) {
    const committed = await inner.committed(...partition);
    await faults.pass('after-offset');
    return committed;
  },
});

const faultyTransactions = (
  inner: Transactions,
  faults: FaultInjector,
  report: (line: string) => void,
): Transactions => ({
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
          report(`commit refused ${output.partition}/${output.offset}: ${String(error)}`);
          throw error;
        }
        report(`commit done ${output.partition}/${output.offset}`);
        await faults.pass('after-commit');
      },
    };
  },
});

const faultyReader = (inner: RangeReader, faults: FaultInjector): RangeReader => ({
  ...inner,
  async read(...range) {
    const records = await inner.read(...range);
    await faults.pass('after-read');
    return records;
  },
});

const faultyLookup =
  <T>(inner: Lookup<T>, faults: FaultInjector): Lookup<T> =>
  async (ids) => {
    const found = await inner(ids);
    await faults.pass('after-features');
    return found;
  };

const faultyMlApi = (inner: MlApi, faults: FaultInjector): MlApi => ({
  ...inner,
  async score(...profiles) {
    const results = await inner.score(...profiles);
    await faults.pass('after-model');
    return results;
  },
});

/** A range writes its scores in one pipeline, so the pipeline passes the points. */
function faultyRedis(inner: RedisClient, faults: FaultInjector): RedisClient {
  const tap = () => inner instanceof Redis && faults.sockets.add(inner.stream);
  if (inner.status === 'ready') tap();
  inner.on('connect', tap);
  return withPipeline(inner, (pipeline: ChainableCommander) => {
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
