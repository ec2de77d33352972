import { code, table } from './markdown.ts';

/** What the process of the API remembers of the value. */
type Memory =
  | 'nothing'
  | 'L1 has it'
  | 'L1 has it, and its TTL has ended'
  | 'that it does not exist'
  | 'what it read without Redis';
/** What Redis has of the value. */
type RedisState =
  | 'has it'
  | 'does not have it'
  | 'has some of its fields'
  | 'has it without TTL'
  | 'has it, near the end of its TTL'
  | 'has the lease of a process that finds it'
  | 'has a lease that says `nothing`'
  | 'has the filter of known ids, without it'
  | 'does not answer'
  | 'hangs';
type LakehouseState = 'has it' | 'does not have it' | 'lost it with most rows' | 'does not answer' | 'hangs';

/** A state in which a profile is read, and the answer. The tests make each of these states with real engines. */
export interface ReadState {
  readonly memory: Memory;
  readonly redis: RedisState;
  readonly lakehouse: LakehouseState;
  /** Cache-Control of the request. */
  readonly request?: 'no-cache' | 'only-if-cached';
  /** A switch that is off. */
  readonly off?: 'l1' | 'read_through';
  readonly status: number;
  /** The header, with n for a number of seconds that is not negative; undefined for an answer without it. */
  readonly cacheStatus: string | undefined;
  /** Name of the problem that the answer is. */
  readonly problem?: string;
  /** Queries on the lakehouse for the value, also those that the answer did not wait for. */
  readonly queries: number;
}

const usual = { memory: 'nothing', lakehouse: 'has it' } as const;
const l1Hit = { status: 200, cacheStatus: 'kol-l1; hit; ttl=n', queries: 0 };
const stale = { status: 200, cacheStatus: 'kol-l1; hit; ttl=-n' };
const bypass = {
  status: 200,
  cacheStatus: 'kol-redis; fwd=bypass; detail=redis-unavailable',
  queries: 1,
};
const hit = { status: 200, cacheStatus: 'kol-redis; hit; ttl=n', queries: 0 };
const miss = { status: 200, cacheStatus: 'kol-redis; fwd=uri-miss; stored', queries: 1 };
const unknown = {
  status: 404,
  cacheStatus: 'kol-redis; hit; detail=negative',
  problem: 'not-found',
  queries: 0,
};
const refused = (status: number, problem: string) => ({
  status,
  cacheStatus: undefined,
  problem,
  queries: 0,
});

export const readStates: readonly ReadState[] = [
  { ...usual, memory: 'L1 has it', redis: 'has it', ...l1Hit },
  { ...usual, memory: 'L1 has it', redis: 'does not answer', ...l1Hit },
  {
    ...usual,
    memory: 'L1 has it, and its TTL has ended',
    redis: 'does not have it',
    ...stale,
    queries: 1,
  },
  {
    ...usual,
    memory: 'L1 has it, and its TTL has ended',
    redis: 'does not have it',
    lakehouse: 'does not answer',
    ...stale,
    queries: 0,
  },
  { ...usual, redis: 'has it', ...hit },
  { ...usual, redis: 'has it, near the end of its TTL', ...hit, queries: 1 },
  { ...usual, redis: 'has it', lakehouse: 'does not answer', ...hit },
  { ...usual, redis: 'does not have it', ...miss },
  { ...usual, redis: 'has some of its fields', ...miss },
  { ...usual, redis: 'has it without TTL', ...miss },
  { ...usual, redis: 'has the lease of a process that finds it', ...hit },
  { ...usual, redis: 'has a lease that says `nothing`', lakehouse: 'does not have it', ...unknown },
  {
    ...usual,
    redis: 'does not have it',
    lakehouse: 'does not have it',
    status: 404,
    cacheStatus: 'kol-redis; fwd=uri-miss',
    problem: 'not-found',
    queries: 1,
  },
  {
    ...usual,
    redis: 'has the filter of known ids, without it',
    lakehouse: 'does not have it',
    ...unknown,
  },
  {
    ...usual,
    redis: 'has the filter of known ids, without it',
    lakehouse: 'does not have it',
    request: 'no-cache',
    status: 404,
    cacheStatus: 'kol-redis; fwd=uri-miss',
    problem: 'not-found',
    queries: 1,
  },
  {
    ...usual,
    memory: 'that it does not exist',
    redis: 'does not have it',
    lakehouse: 'does not have it',
    ...unknown,
  },
  {
    ...usual,
    redis: 'does not have it',
    lakehouse: 'lost it with most rows',
    status: 404,
    cacheStatus: 'kol-redis; fwd=uri-miss; detail=table-shrunk',
    problem: 'not-found',
    queries: 1,
  },
  {
    ...usual,
    redis: 'has it',
    lakehouse: 'lost it with most rows',
    request: 'no-cache',
    ...hit,
    queries: 1,
  },
  {
    ...usual,
    redis: 'does not have it',
    lakehouse: 'does not answer',
    ...refused(503, 'lakehouse-unavailable'),
  },
  {
    ...usual,
    redis: 'does not have it',
    lakehouse: 'hangs',
    ...refused(503, 'lakehouse-unavailable'),
    queries: 1,
  },
  { ...usual, redis: 'does not answer', ...bypass },
  { ...usual, redis: 'hangs', ...bypass },
  { ...usual, memory: 'what it read without Redis', redis: 'does not answer', ...l1Hit },
  {
    ...usual,
    redis: 'does not answer',
    lakehouse: 'does not answer',
    ...refused(503, 'lakehouse-unavailable'),
  },
  {
    ...usual,
    memory: 'L1 has it',
    redis: 'has it',
    request: 'no-cache',
    status: 200,
    cacheStatus: 'kol-redis; fwd=request; stored',
    queries: 1,
  },
  { ...usual, redis: 'has it', lakehouse: 'does not answer', request: 'no-cache', ...hit },
  { ...usual, redis: 'has it', request: 'only-if-cached', ...hit },
  { ...usual, redis: 'does not have it', request: 'only-if-cached', ...refused(504, 'not-cached') },
  { ...usual, redis: 'does not answer', request: 'only-if-cached', ...refused(504, 'not-cached') },
  { ...usual, redis: 'has it', off: 'l1', ...hit },
  { ...usual, redis: 'has it', off: 'read_through', ...hit },
  { ...usual, redis: 'has it', request: 'no-cache', off: 'read_through', ...hit },
  { ...usual, redis: 'does not have it', off: 'read_through', ...refused(503, 'read-through-off') },
  { ...usual, redis: 'does not answer', off: 'read_through', ...refused(503, 'read-through-off') },
];

/** docs/what-happens-to-a-read.md. */
export const renderReadStates = (): string => `# What happens to a read

Generated from \`docs/generate/read-states.ts\` by \`npm run docs\`. A test makes each state with real engines and compares the answer
(\`test/integration/docs/read-states.test.ts\`).

Each row is a read of one profile (\`GET /api/v1/kols/:id\`); all other reads through the cache have the same steps. [api.md](api.md#headers) explains the
headers, [request controls](api.md#request-controls) and [switches](api.md#patch-apiv1cacheswitches).

${table(
  ['the process remembers', 'Redis', 'the lakehouse', 'request, switch', 'answer', 'Cache-Status', 'queries'],
  readStates.map(({ memory, redis, lakehouse, request, off, status, cacheStatus, problem, queries }) => [
    memory,
    redis,
    lakehouse,
    [
      ...(request === undefined ? [] : [code(request)]),
      ...(off === undefined ? [] : [`${code(off)} off`]),
    ].join(', '),
    `${status}${problem === undefined ? '' : ` ${code(problem)}`}`,
    cacheStatus === undefined ? '' : code(cacheStatus),
    String(queries),
  ]),
)}

- A stale value is answered immediately, with a TTL below 0, and refreshed in the background. A value near the end of its TTL is also refreshed, by one of its
  readers.
- A command on a Redis that hangs is given up after half a second. A lakehouse that hangs is given up after two thirds of \`API_DEADLINE_SECONDS\`, also by a process
  that waits for the lease of another one.
- If several processes miss the same key, one takes the lease and reads the lakehouse; the others wait and read what it writes. Reads of many keys share queries.
- A read without an answer at its deadline is a 504 \`deadline-exceeded\`. A query is cancelled when no request waits for it any more: the clients have disconnected,
  or the requests are over their deadline.
- A warm [refuses](warming.md#guarantees-for-readers) a table that lost most of its rows since the last warm. A miss that reads such a table is answered with
  \`no-store\`. Its value is neither cached nor remembered as "not found", and cached values stay. A row that the table still has is cached as usual.
- If a table changed after a read began, or up to 5 s before, a load may have been running. Then the read removes nothing from the cache.
`;
