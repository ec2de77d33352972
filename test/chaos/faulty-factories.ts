import { Redis, type ChainableCommander } from 'ioredis';
import { realFactories, type ClientFactories } from '../../clients/create-clients.ts';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { RecordReader } from '../../clients/kafka/record-reader.ts';
import type { Transactions } from '../../clients/kafka/transactions.ts';
import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import type { MlApi } from '../../clients/ml-api.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { content } from '../../domain/entities/content.ts';
import { score } from '../../domain/entities/score.ts';
import type { FaultInjector } from './fault-injector.ts';
import type { Sabotage } from './fault-points.ts';
import { offsetBeforeFence, randomTransactionalId, type ScriptArgs, withoutRedisGuard } from './sabotage.ts';
import { tappedSockets } from './tapped-socket.ts';
import { withPipeline } from '../support/with-pipeline.ts';

/**
 * The real factories, whose clients pass the points of a batch at which a fault may happen.
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
      return beforeFence === undefined
        ? faultyOffsets(offsets, faults, report)
        : beforeFence.offsets(offsets);
    },
    createTransactions(kafka) {
      const transactions = realFactories.createTransactions(kafka);
      const sabotaged =
        sabotage === 'random-transactional-id'
          ? randomTransactionalId(transactions)
          : (beforeFence?.transactions(transactions) ?? transactions);
      return faultyTransactions(sabotaged, faults, report);
    },
    createRecordReader: (kafka) => faultyReader(realFactories.createRecordReader(kafka), faults),
    createLookupCache: (look, idOf, options) =>
      faultyLookup(realFactories.createLookupCache(look, idOf, options), faults),
    createMlApi: (options) => faultyMlApi(realFactories.createMlApi(options), faults),
    async connectRedis(url, use, options) {
      const redis = await realFactories.connectRedis(url, use, options);
      return faultyRedis(sabotage === 'no-redis-guard' ? withoutRedisGuard(redis) : redis, faults);
    },
  };
}

const faultyOffsets = (inner: Offsets, faults: FaultInjector, report: (line: string) => void): Offsets => ({
  ...inner,
  async committed(group, topic, partition) {
    const committed = await inner.committed(group, topic, partition);
    report(`position ${partition}/${committed.offset}`);
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
  async open(id) {
    const producer = await inner.open(id);
    await faults.pass('after-fence');
    return {
      ...producer,
      async commit(output) {
        report(`commit begun ${output.partition}/${output.offset}`);
        await producer.commit(output);
        report(`commit done ${output.partition}/${output.offset}`);
        await faults.pass('after-commit');
      },
    };
  },
});

const faultyReader = (inner: RecordReader, faults: FaultInjector): RecordReader => ({
  ...inner,
  async read(...range) {
    const slice = await inner.read(...range);
    if (slice.records.length > 0) await faults.pass('after-read');
    return slice;
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

/** Whether a script writes scores or details of content. */
const isResultWrite = (given: unknown[]): boolean =>
  [score, content].some(({ key }) => String(given[1]).startsWith(key('')));

/** A batch writes its results in one pipeline, so that pipeline passes the points. Before and after it, others look for erased KOLs. */
function faultyRedis(inner: RedisClient, faults: FaultInjector): RedisClient {
  const tap = () => inner instanceof Redis && faults.sockets.add(inner.stream);
  if (inner.status === 'ready') tap();
  inner.on('connect', tap);
  return withPipeline(inner, (pipeline: ChainableCommander) => {
    const [evalsha, exec] = [pipeline.evalsha.bind(pipeline), pipeline.exec.bind(pipeline)];
    let writesResults = false;
    pipeline.evalsha = (sha: string, ...given: unknown[]) => {
      writesResults ||= isResultWrite(given);
      return evalsha(sha, ...(given as ScriptArgs));
    };
    pipeline.exec = async () => {
      const replies = exec();
      if (!writesResults) return replies;
      faults.trigger('unseen-cache');
      const seen = await replies;
      await faults.pass('after-cache');
      return seen;
    };
    return pipeline;
  });
}
