import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import type { Caller } from '../../cache/reading/read-controls.ts';
import type { ReadResult } from '../../cache/reading/read-result.ts';
import { isUnavailable } from '../../cache/reading/source-unavailable.ts';
import { TimeLimitError, withTimeLimit } from '../../domain/values/abortable.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { formatCursor, listVersion, type ListCursor } from '../../domain/values/list-cursor.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import { freshness, revalidated } from '../freshness.ts';
import {
  choiceParameter,
  cursorParameter,
  fieldsParameter,
  limitParameter,
  optionalIdsParameter,
  platformParameter,
} from '../parameters.ts';
import { invalidProblem, Problem } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { manySchema, profileListSchema, profileSchema, versionedHeaders } from '../schemas/read-schemas.ts';
import { selectFields } from '../select-fields.ts';
import { sendMany } from '../send-many.ts';
import { sendMixed, sendRead, valueOf } from '../send-read.ts';

const MAX_PAGE = 100;
const DEFAULT_PAGE = 50;

/** The parameters of the list. They cannot be combined with ids. */
const listQuery = {
  platform: platformParameter,
  sort: choiceParameter(['followers'], 'followers'),
  limit: limitParameter(MAX_PAGE, DEFAULT_PAGE),
  cursor: cursorParameter,
};

/**
 * /api/v1/kols: several profiles by id, or the profiles of a platform page by page.
 * @param listSize maximum number of profiles in a list
 */
export const kolListRoute = (reader: CacheReader, listSize: number): Route =>
  defineRoute({
    method: 'get',
    path: '/api/v1/kols',
    name: 'profiles',
    summary: 'Several profiles by id, or the profiles of a platform page by page',
    query: { ids: optionalIdsParameter, ...listQuery, fields: fieldsParameter(Object.keys(profile.fields)) },
    answers: {
      200: {
        description: 'The profiles',
        schema: manySchema(profileSchema.partial()).or(profileListSchema),
        headers: versionedHeaders,
      },
    },
    problems: ['not-found', 'list-changed', 'lakehouse-unavailable'],
    async handle({ request, response, query, caller }) {
      const toJson = selectFields(profile.toJson, query.fields);
      if (query.ids !== undefined) {
        refuseListParameters(request.query);
        await sendMany(response, query.ids, (ids) => reader.profiles(ids, caller), profile, toJson);
        return;
      }
      const { platform, sort, limit, cursor } = query;
      const read = await reader.profileList(platform, caller);
      const profiles = valueOf(response, read, `No KOLs for platform ${platform}`);
      const { page, next } = pageOf(profiles, cursor, limit);
      const items = page.map((each) => toJson(each));
      if (next !== null) {
        // Otherwise a client could keep the first page after the list has changed, and follow its cursor to a 410 each time.
        const fresh = revalidated(freshness.profileList);
        sendRead(response, read, fresh, { platform, sort, limit, items, next, end: null });
        return;
      }
      const total = await readTotal(reader, platform, caller);
      const isWhole = total === undefined ? profiles.length < listSize : profiles.length >= total;
      const fresh = total === undefined ? revalidated(freshness.profileList) : freshness.profileList;
      const end = isWhole ? 'all' : 'kept';
      // `end` depends on the statistics too
      sendMixed(response, read, fresh, { platform, sort, limit, items, next, end });
    },
  });

function refuseListParameters(given: Readonly<Record<string, unknown>>): void {
  const wrong = Object.keys(listQuery).filter((name) => given[name] !== undefined);
  if (wrong.length > 0)
    throw invalidProblem(wrong.map((name) => ({ name, given: given[name], accepted: 'nothing beside ids' })));
}

/** @throws Problem when the list has changed since the cursor was given out */
function pageOf(profiles: readonly Profile[], cursor: ListCursor | undefined, limit: number) {
  const version = listVersion(profiles.map(({ kol_id }) => kol_id));
  if (cursor !== undefined && cursor.version !== version)
    throw new Problem('list-changed', 'The list has changed since this cursor; start again without a cursor');
  const from = cursor?.offset ?? 0;
  const to = from + limit;
  const next = to < profiles.length ? formatCursor({ version, offset: to }) : null;
  return { page: profiles.slice(from, to), next };
}

/** The KOLs of a platform, as the statistics count them; undefined while they are unavailable. @throws any error that is a defect */
async function readTotal(reader: CacheReader, platform: string, caller: Caller): Promise<number | undefined> {
  const { waitSeconds } = reader;
  // the query continues when this reader stops waiting: later readers need it
  const read = () => reader.platformStats(undefined, { ...caller, client: undefined });
  const stats = await withTimeLimit(waitSeconds, read, caller.client?.signal).catch(orNull);
  if (platform === ALL) return stats?.value?.total_kols;
  const byPlatform = stats?.value?.by_platform ?? {};
  // `constructor` is a valid name, and each object has it
  return Object.hasOwn(byPlatform, platform) ? byPlatform[platform]?.kols : undefined;
}

function orNull(error: unknown): ReadResult<never> | null {
  if (isUnavailable(error) || error instanceof TimeLimitError) return null;
  throw error;
}
