import type { PartWarmerInput, WarmRequest } from '../../contract/warm-cache.ts';
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

/** The requests that the run before this one did not serve. */
export const carriedRequests = ({ waiting = [], waitingScope }: Carried): readonly WarmRequest[] =>
  waiting.map((request) => ({ ...request, scope: waitingScope ?? undefined }));
