import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PartWarmerInput, WarmRequest } from '../../../../contract/part-warmer.ts';
import { MAX_SCOPE_IDS, mergeScopes, type WarmScope } from '../../../../domain/warming/warm-scope.ts';
import {
  areCarriable,
  carriedRequests,
  carryRequests,
  chooseRequests,
} from '../../../../workflows/warming/waiting-requests.ts';

const scope: fc.Arbitrary<WarmScope | undefined> = fc.option(
  fc.oneof(
    fc.record({ ids: fc.array(fc.string(), { maxLength: 5 }) }),
    fc.record({ platforms: fc.array(fc.constantFrom('tiktok', 'twitter'), { minLength: 1 }) }),
  ),
  { nil: undefined },
);
const requestOf = (runId: string, of: WarmScope | undefined): WarmRequest => ({
  ...{ trigger: 'etl', dryRun: false, allProfiles: false, force: false, allowShrink: false },
  ...{ replyTo: `warm-${runId}`, runId, scope: of },
});
/** What Temporal does with the input of the next run. */
const travel = (input: object) => JSON.parse(JSON.stringify(input)) as PartWarmerInput;
const scopesOf = (requests: readonly WarmRequest[]) => requests.map(({ scope: own }) => own);

test('the next run warms everything that the waiting requests cover, and keeps all requesters', () => {
  fc.assert(
    fc.property(fc.array(scope, { minLength: 1, maxLength: 6 }), (scopes) => {
      const waiting = scopes.map((own, index) => requestOf(String(index), own));
      const carried = carriedRequests(travel(carryRequests(waiting)));
      expect(mergeScopes(scopesOf(carried))).toEqual(mergeScopes(scopes));
      expect(carried.map(({ runId, replyTo }) => [runId, replyTo])).toEqual(
        waiting.map(({ runId, replyTo }) => [runId, replyTo]),
      );
    }),
  );
});

test('fifty requests of a thousand long ids stay under the limit of 2 MB', () => {
  const ids = Array.from({ length: MAX_SCOPE_IDS }, (_, index) => `${index}`.padEnd(256, 'x'));
  const waiting = Array.from({ length: 50 }, (_, index) => requestOf(String(index), { ids }));
  expect(JSON.stringify(carryRequests(waiting)).length).toBeLessThan(500_000);
});

test('the first run has none', () => {
  expect(carriedRequests({})).toEqual([]);
});

test('a run accepts a smaller table only for the share of the request that does, and each request is served once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(scope, fc.boolean()), { maxLength: 6 }), (given) => {
      let waiting: readonly WarmRequest[] = given.map(([own, allowShrink], index) => ({
        ...requestOf(String(index), own),
        allowShrink,
      }));
      const served: WarmRequest[] = [];
      while (waiting.length > 0) {
        const { next, rest } = chooseRequests(waiting);
        const accepting = next.filter(({ allowShrink }) => allowShrink);
        if (accepting.length > 0)
          expect(mergeScopes(scopesOf(accepting))).toEqual(mergeScopes(scopesOf(next)));
        served.push(...next);
        expect(rest.length + next.length).toBe(waiting.length);
        expect(next.length).toBeGreaterThan(0);
        waiting = rest;
      }
      expect(new Set(served.map(({ runId }) => runId)).size).toBe(given.length);
    }),
  );
});

test('a request that accepts a smaller table for its share does not travel with one scope for all', () => {
  const accepting = { ...requestOf('1', { ids: ['1'] }), allowShrink: true };
  expect(areCarriable([requestOf('2', undefined), accepting])).toBe(false);
  expect(areCarriable([requestOf('2', { ids: ['2'] }), { ...accepting, scope: undefined }])).toBe(true);
});
