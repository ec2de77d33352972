import type { Response } from 'express';
import type { ReadManyThrough } from '../cache/reading/read-through.ts';
import type { ReadResult } from '../cache/reading/read-result.ts';
import { Answer, sendAnswer } from './answer.ts';
import { ageOf, cacheControl, isHit } from './send-read.ts';
import { revalidated } from './freshness.ts';
import { problemOf, problemUrn, tableShrunk, type Problem } from './problem.ts';

/** An id that could not be read now, with the problem that a request for it alone would get. */
interface Failure {
  readonly id: string;
  readonly problem: Problem;
}

/**
 * Reads several ids and answers with `items` in the order of the ids, the ids that do not exist (`missing`), and the ids that could not be
 * read now (`unavailable`, with the type of the problem).
 * @throws the failure of the first id if all ids failed
 */
export async function sendMany<T>(
  response: Response,
  ids: readonly string[],
  read: ReadManyThrough<string, T>,
  entity: { readonly ttlSeconds: number },
  toJson: (value: T, read: ReadResult<T>) => object,
): Promise<void> {
  const results = await read(ids);
  const items: object[] = [];
  const missing: string[] = [];
  const failures: Failure[] = [];
  const reads: ReadResult<T>[] = [];
  results.forEach((result, index) => {
    const id = ids[index] ?? '';
    if (result.status === 'rejected') {
      failures.push({ id, problem: expectedProblem(result.reason) });
      return;
    }
    const { value, refused } = result.value;
    if (value === null && refused) {
      failures.push({ id, problem: tableShrunk });
      return;
    }
    reads.push(result.value);
    if (value === null) missing.push(id);
    else items.push(toJson(value, result.value));
  });
  const [failed] = failures;
  if (failed !== undefined && reads.length === 0) throw failed.problem;

  const age = Math.max(...reads.map((each) => ageOf(each, entity.ttlSeconds)));
  const unavailable = failures.map(({ id, problem }) => ({ id, type: problemUrn(problem.type) }));
  response.vary('Accept-Encoding');
  sendAnswer(response.req, response, new Answer({ items, missing, unavailable }), [
    'Cache-Status',
    cacheStatusOfMany(reads, failures.length),
    'Age',
    String(age),
    'Cache-Control',
    failures.some(({ problem }) => problem === tableShrunk)
      ? 'no-store'
      : cacheControl(revalidated(entity), age),
  ]);
}

/** @throws the reason if it is a defect, because a partial answer must not hide it */
function expectedProblem(reason: unknown): Problem {
  const problem = problemOf(reason);
  if (problem.type === 'internal-error') throw reason;
  return problem;
}

/** The Cache-Status header of several reads: a hit only when no id needed the lakehouse or failed. */
function cacheStatusOfMany(reads: readonly ReadResult<unknown>[], failed: number): string {
  const cached = reads.filter((read) => isHit(read) || read.outcome === 'negative').length;
  const local = reads.filter(({ outcome }) => outcome === 'local-hit').length;
  const stale = reads.filter(({ outcome }) => outcome === 'stale').length;
  const all = reads.length + failed;
  if (local === all) return 'kol-l1; hit';
  const details = [
    ...(cached === all ? [] : [`${cached} of ${all} cached`]),
    ...(stale === 0 ? [] : [`${stale} stale`]),
  ];
  const status = cached === all ? 'kol-redis; hit' : 'kol-redis; fwd=miss';
  return details.length === 0 ? status : `${status}; detail="${details.join(', ')}"`;
}
