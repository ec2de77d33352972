import { randomUUID } from 'node:crypto';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { Transactions } from '../../clients/kafka/transactions.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { FaultInjector } from './fault-injector.ts';
import { withPipeline } from './decorators.ts';

/**
 * Reads the committed offset before the fence: a transaction is asked for, the offset is read, and only then is the id
 * taken. Passes `after-position` in between.
 */
export function positionBeforeFence(
  positions: Offsets,
  transactions: Transactions,
  faults: FaultInjector,
): { positions: Offsets; transactions: Transactions } {
  const read = new Map<string, ReturnType<Offsets['committed']>>();
  return {
    transactions: {
      ...transactions,
      async begin(transactionalId, options) {
        const [group = '', topic = '', partition = ''] = transactionalId.split('/');
        const committed = positions.committed(group, topic, Number(partition));
        read.set(transactionalId, committed);
        await committed;
        await faults.pass('after-position');
        return transactions.begin(transactionalId, options);
      },
    },
    positions: {
      ...positions,
      committed: (group, topic, partition) =>
        read.get(`${group}/${topic}/${partition}`) ?? positions.committed(group, topic, partition),
    },
  };
}

/** Each holder has an id of its own, so that nobody fences anybody. */
export const randomTransactionalId = (transactions: Transactions): Transactions => ({
  ...transactions,
  begin: (transactionalId, options) => transactions.begin(`${transactionalId}/${randomUUID()}`, options),
});

/** Writes scores to Redis whatever is there: the script that does so otherwise is called with the same keys and values. */
export const withoutRedisGuard = (redis: RedisClient): RedisClient =>
  withPipeline(redis, (pipeline) => {
    pipeline.evalsha = (_sha: unknown, ...keysAndValues: unknown[]) =>
      pipeline.eval(SET_ALWAYS, ...(keysAndValues as [numkeys: number, ...rest: string[]]));
    return pipeline;
  });

const SET_ALWAYS = `
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[3 * i - 1], 'EX', ARGV[1]) end
return #KEYS`;
