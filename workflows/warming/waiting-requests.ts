import type { PartWarmerInput, WarmRequest } from '../../contract/part-warmer.ts';
import { mergeScopes } from '../../domain/warming/warm-scope.ts';

type Carried = Pick<PartWarmerInput, 'waiting' | 'waitingScope'>;

/**
 * Waiting requests as input of the next run. Their scopes are merged: each may have a thousand ids, and a few such requests would
 * exceed the 2 MB that Temporal accepts as input.
 */
export const carryRequests = (waiting: readonly WarmRequest[]): Carried => ({
  waiting: waiting.map(({ scope: _scope, ...request }) => request),
  waitingScope: mergeScopes(waiting.map(({ scope }) => scope)) ?? null,
});

/** The requests that the previous run did not serve. */
export const carriedRequests = ({ waiting = [], waitingScope }: Carried): readonly WarmRequest[] =>
  waiting.map((request) => ({ ...request, scope: waitingScope ?? undefined }));

/** Whether a request accepts a smaller table only for its scope. A run that serves other requests too would accept it for all. */
const isServedAlone = ({ allowShrink, scope }: WarmRequest): boolean => allowShrink && scope !== undefined;

/** Chooses the requests that the next run serves. @param waiting in the order in which they arrived */
export function chooseRequests(waiting: readonly WarmRequest[]): {
  readonly next: readonly WarmRequest[];
  readonly rest: readonly WarmRequest[];
} {
  const [first, ...others] = waiting;
  if (first !== undefined && isServedAlone(first)) return { next: [first], rest: others };
  return {
    next: waiting.filter((request) => !isServedAlone(request)),
    rest: waiting.filter(isServedAlone),
  };
}

/** Whether these requests may be merged into one scope. */
export const areCarriable = (waiting: readonly WarmRequest[]): boolean => !waiting.some(isServedAlone);
