import type { RedisClient } from '../../clients/redis.ts';
import type { FillableSource, Loader } from './load-and-fill.ts';
import { lookUp } from './look-up.ts';
import type { ReportProblem } from './read-problem.ts';
import { foundAnswer, type Answer } from './read-result.ts';
import type { RedisCodec } from './redis-codec.ts';

/** Reads the source, and replaces what Redis has. */
export type Refresh<Id, T> = (id: Id, key: string, signal: AbortSignal) => Promise<Answer<T>>;

/** A value that an event wrote is not replaced: it is newer than the source. */
export const createRefresh =
  <Id, T>(
    { codec, ...source }: Pick<FillableSource<Id, T>, 'name'> & { readonly codec: RedisCodec<T> },
    dependencies: {
      readonly redis: RedisClient;
      readonly loader: Loader<Id, T>;
      readonly reportProblem: ReportProblem;
    },
  ): Refresh<Id, T> =>
  async (id, key, signal) => {
    const { redis, loader, reportProblem } = dependencies;
    // Redis, not the local tier: the write compares with what Redis has.
    const [held] = await lookUp(redis, codec, [key], reportProblem);
    if (held === undefined) throw new Error(`a look-up of ${source.name} has no result`);
    if (held.state === 'unreachable')
      return { ...(await loader.load(id, signal)), outcome: 'bypass', unstored: true };
    if (held.state !== 'hit') return asRefresh(await loader.loadAndFill(id, key, held, signal));
    if (codec.isFromEvent(held.reply, held.value)) return foundAnswer(held);
    const answer = await loader.loadAndFill(id, key, { state: 'outdated', reply: held.reply }, signal);
    return answer.refused ? foundAnswer(held) : asRefresh(answer);
  };

/** Another writer may have been faster: then the answer is a hit. */
const asRefresh = <T>(answer: Answer<T>): Answer<T> =>
  answer.outcome === 'miss' ? { ...answer, outcome: 'refresh' } : answer;
