import { createFlights } from './flights.ts';
import { answerOf, expiryOf, isFound, type Found, type TieredResult } from './look-up-tiers.ts';
import { readControlled, type Caller, type ReadControls } from './read-controls.ts';
import type { Answer, ReadResult } from './read-result.ts';
import type { ResolvableSource, Resolver } from './resolve-read.ts';

/** Answers a read after its look-up. Rejects as the source does, and with the reason of the caller's signal when that aborts. */
export type AnswerFound<Id, T> = (id: Id, found: TieredResult<T>, caller: Caller) => Promise<ReadResult<T>>;

/** What a look-up found answers the read, unless the client demands a fresher value. A miss is resolved, once for all its readers. */
export function createAnswerFound<Id, T>(
  { name: entity, key, ttlSeconds }: Pick<ResolvableSource<Id, T>, 'name' | 'key' | 'ttlSeconds'>,
  resolver: Resolver<Id, T>,
): AnswerFound<Id, T> {
  const { share } = createFlights<Answer<T>>();

  const resolve = (id: Id, found: TieredResult<T>, { controls, client }: Caller): Promise<ReadResult<T>> => {
    if (isFound(found)) return Promise.resolve(resultOf(found));
    const name = key(id);
    const mayBeStale = controls === undefined || controls.maxStale !== undefined;
    const load = ({ signal }: { readonly signal: AbortSignal }) =>
      resolver.resolve(id, name, found, { mayBeStale, signal });
    return share(name, load, client?.signal);
  };

  const answerControlled = (
    id: Id,
    found: TieredResult<T>,
    controls: ReadControls,
    caller: Caller,
  ): Promise<ReadResult<T>> => {
    const name = key(id);
    const remembered = isFound(found) ? undefined : resolver.remembered(name);
    const cached = isFound(found) ? resultOf(found) : remembered && { ...remembered, collapsed: false };
    return readControlled<ReadResult<T>>(controls, {
      ...{ entity, ttlSeconds, cached },
      load: () => resolve(id, found, caller),
      refresh: () =>
        share(`refresh ${name}`, ({ signal }) => resolver.refresh(id, name, signal), caller.client?.signal),
    });
  };

  return async (id, found, caller) => {
    if (isFound(found)) resolver.refreshEarly(id, expiryOf(found));
    return caller.controls === undefined
      ? resolve(id, found, caller)
      : answerControlled(id, found, caller.controls, caller);
  };
}

const resultOf = <T>(found: Found<T>): ReadResult<T> => ({ ...answerOf(found), collapsed: false });
