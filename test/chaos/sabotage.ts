import { randomUUID } from 'node:crypto';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { Transactions } from '../../clients/kafka/transactions.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { score } from '../../domain/entities/score.ts';
import type { FaultInjector } from './fault-injector.ts';
import { withPipeline } from '../support/with-pipeline.ts';

/**
 * Reads the committed offset before the fence: a producer is requested, the offset is read, and only then the transactional
 * id is taken. Passes `after-offset` in between.
 */
export function offsetBeforeFence(faults: FaultInjector): {
  offsets(inner: Offsets): Offsets;
  transactions(inner: Transactions): Transactions;
} {
  let readCommitted: Offsets['committed'] | undefined;
  const read = new Map<string, ReturnType<Offsets['committed']>>();
  return {
    offsets(inner) {
      readCommitted = (...partition) => inner.committed(...partition);
      return {
        ...inner,
        committed: (group, topic, partition) =>
          read.get(`${group}/${topic}/${partition}`) ?? inner.committed(group, topic, partition),
      };
    },
    transactions: (inner) => ({
      ...inner,
      async open(transactionalId) {
        const [group = '', topic = '', partition = ''] = transactionalId.split('/');
        const committed = readCommitted?.(group, topic, Number(partition));
        if (committed !== undefined) read.set(transactionalId, committed);
        await committed;
        await faults.pass('after-offset');
        return inner.open(transactionalId);
      },
    }),
  };
}

/** Gives each holder its own transactional id, so that no attempt fences another. */
export const randomTransactionalId = (transactions: Transactions): Transactions => ({
  ...transactions,
  open: (transactionalId) => transactions.open(`${transactionalId}/${randomUUID()}`),
});

/** Writes scores without the guard against newer ones: replaces the guarded script by one that takes the same keys and values. */
export const withoutRedisGuard = (redis: RedisClient): RedisClient =>
  withPipeline(redis, (pipeline) => {
    const evalsha = pipeline.evalsha.bind(pipeline);
    pipeline.evalsha = (sha: string, ...given: unknown[]) =>
      isScoreWrite(given) ? pipeline.eval(SET_ALWAYS, ...given) : evalsha(sha, ...(given as ScriptArgs));
    return pipeline;
  });

/** The number of keys of a script, its keys, then its values. */
export type ScriptArgs = [numkeys: number, ...rest: string[]];

/** Whether a script writes scores. A batch calls others too, which look for erased KOLs. */
const isScoreWrite = (given: unknown[]): given is ScriptArgs => String(given[1]).startsWith(score.key(''));

const SET_ALWAYS = `
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end
return #KEYS`;
