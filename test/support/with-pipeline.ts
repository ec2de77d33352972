import type { ChainableCommander } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';

/** The same client, with a change applied to each pipeline that it creates. */
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
