import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRoutes } from '../../../api/app.ts';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, connectRedis, type RedisClient } from '../../../clients/redis.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { sampleContent, sampleProfile, sampleScore } from '../../../docs/generate/samples.ts';
import { content } from '../../../domain/entities/content.ts';
import { dailyStats } from '../../../domain/entities/daily-stats.ts';
import { kolContent } from '../../../domain/entities/kol-content.ts';
import { profileList } from '../../../domain/entities/profile-list.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { score } from '../../../domain/entities/score.ts';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { buildSearchIndex } from '../../../domain/search/build-index.ts';
import { ALL } from '../../../domain/values/text-ids.ts';
import { projectFolder } from '../../../engines/paths.ts';
import { apiConfig } from '../../support/api.ts';
import { profileOf } from '../../support/cache-values.ts';
import { expectDocumented } from '../../support/documented-answer.ts';
import { recordRequests, TOKEN, WARMS } from '../../support/etl-loads.ts';
import { useEtlLoadsApi } from '../../support/etl-loads-api.ts';
import { withWorker } from '../../support/worker.ts';
import { fakeDependencies } from '../../unit/api/fake-dependencies.ts';

/** A command of docs/api.md and its documented answer. */
interface Example {
  /** Heading of the section, such as `GET /api/v1/kols/:id`. */
  readonly route: string;
  readonly command: string;
  readonly status: number;
  /** Undefined where the document shows no answer. */
  readonly answer: unknown;
}

const ADDRESS = 'http://127.0.0.1:18000';
const document = await readFile(join(projectFolder, 'docs', 'api.md'), 'utf8');
const parts = document.split(/^(?=##+ )/m);
const sections = parts.reduce<{ route: string; text: string }[]>((found, text) => {
  const [, route] = /^### ([A-Z]+ \S+)$/m.exec(text) ?? [];
  const last = found.at(-1);
  if (route !== undefined) found.push({ route, text });
  else if (last !== undefined && text.startsWith('####')) last.text += text;
  return found;
}, []);

/** The method and path of the last request of a command. */
function requestOf(command: string): string {
  const [, path] = [...command.matchAll(/http:\/\/127\.0\.0\.1:18000([^\s?'"]*)/g)].at(-1) ?? [];
  const [, method = 'GET'] = /-X ([A-Z]+)/.exec(command) ?? [];
  return `${method} ${path}`;
}

const examplesOf = ({ route, text }: { readonly route: string; readonly text: string }): Example[] =>
  [...text.matchAll(/^```sh\n([^]*?)^```\n(?:\n```json\n([^]*?)^```)?/gm)].map(([, command = '', json]) => ({
    route,
    command,
    status: Number(/^# answers (\d{3})$/m.exec(command)?.[1] ?? 200),
    answer: json === undefined ? undefined : (JSON.parse(json) as unknown),
  }));

/** Examples outside of the sections of the routes. They read only. */
const otherExamples = parts
  .filter((text) => /^## (?!Routes)/.test(text))
  .flatMap((text) => examplesOf({ route: '', text }))
  .map((example) => ({ ...example, route: requestOf(example.command) }));

/** Objects whose names are data. */
const MAPS = ['by_platform', 'by_kind', 'links'];

/** The names in an answer, as paths. Of a list, those of its first item. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [`${path}[]`] : shapeOf(value[0], `${path}[]`);
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, inner]) =>
    MAPS.includes(name) ? [`${path}.${name}`] : shapeOf(inner, `${path}.${name}`),
  );
}

/** Routes whose values depend on the lakehouse, the model, or what happened before. */
const VARYING_ROUTES = [
  'GET /api/v1/kols/top',
  'GET /api/v1/kols/:id/score',
  'GET /api/v1/content/trending',
  'GET /api/v1/stats',
  'GET /api/v1/cache/status',
  'DELETE /api/v1/kols/:id',
  'GET /api/v1/etl/loads',
  'POST /api/v1/warms',
  'GET /api/v1/warms/:id',
];
/** Fields with times, generated names and measurements. */
const VARYING_FIELDS = ['next', 'last_updated', 'taken_at', 'warm', 'ended_at', 'latency_ms'];

/** The fields that a document shows with another value than the answer. */
function otherValues(shown: unknown, real: unknown, path = ''): string[] {
  if (typeof shown !== 'object' || shown === null)
    return shown === real ? [] : [`${path} is ${JSON.stringify(real)}, not ${JSON.stringify(shown)}`];
  const fields = (real ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(shown)
    .filter(([name]) => !VARYING_FIELDS.includes(name))
    .flatMap(([name, inner]) => otherValues(inner, fields[name], `${path}.${name}`));
}

/** The names that only one of two answers has. Where one has null, the other may have an object. */
function differences(shown: unknown, real: unknown): string[] {
  const [one, other] = [shapeOf(shown), shapeOf(real)];
  const isIn = (paths: readonly string[], path: string) =>
    paths.some((each) => each === path || each.startsWith(`${path}.`) || isNullAbove(each, path));
  const isNullAbove = (each: string, path: string) =>
    each !== '' && !each.endsWith('[]') && path.startsWith(`${each}.`);
  return [
    ...one.filter((path) => !isIn(other, path)).map((path) => `not in the answer: ${path}`),
    ...other.filter((path) => !isIn(one, path)).map((path) => `not in the document: ${path}`),
  ];
}

const { dependencies, url, send } = useEtlLoadsApi();
let redis: RedisClient;
beforeAll(async () => {
  redis = await connectRedis(apiConfig().REDIS_URL, 'work', { onError: () => {} });
  await redis.flushdb();
  const at = new Date().toISOString();
  const { kol_id } = sampleProfile;
  const days = {
    content: 35,
    views: 501_550,
    likes: 50_155,
    comments: 4200,
    shares: 420,
    content_tiktok: 35,
  };
  await writeEntries(redis, [
    profile.toEntry(kol_id, sampleProfile, at),
    score.toEntry(sampleScore),
    content.toEntry(sampleContent.content_id, sampleContent, at),
    kolContent.toEntry(kol_id, [sampleContent]),
    profileList.toEntry('tiktok', [sampleProfile, profileOf('max')]),
    dailyStats.toEntry('2026-11-22', { ...days, last_updated: at }),
    searchIndex.toEntry(ALL, ['tiktok']),
  ]);
  const named = [{ kol_id, names: ['Zoë', 'zoe'], followers_count: 11_300 }];
  await replaceSet(redis, searchIndex.toEntry('tiktok', buildSearchIndex(named, 100)), 1);
});
afterAll(async () => {
  await redis.flushdb();
  await closeRedis(redis);
});

/** Runs the commands of an example. @returns status and body of the last one */
async function run({ command }: Example, environment: Record<string, string>) {
  const script = command
    .replaceAll(ADDRESS, url())
    .replaceAll('curl -s', String.raw`curl -s -w '\n%{http_code}\n'`);
  const { stdout } = await execa('bash', ['-euc', script], { env: environment });
  const lines = stdout.trimEnd().split('\n');
  return { status: Number(lines.at(-1)), text: lines.slice(0, -1).join('\n') };
}

test('every route has an example, which calls it', () => {
  expect(sections.length).toBeGreaterThan(20);
  for (const section of sections) {
    const examples = examplesOf(section);
    expect(examples.length, section.route).toBeGreaterThan(0);
    for (const { route, command } of examples) {
      expect(requestOf(command)).toMatch(new RegExp(`^${route.replaceAll(/:\w+/g, '[^/]+')}$`));
    }
  }
});

test('every example answers with the status, the names and the stable values that the document shows', async () => {
  const routes = createRoutes(fakeDependencies());
  const { activities } = recordRequests(dependencies());
  await withWorker(WARM_TASK_QUEUE, activities, async () => {
    const started = await send('POST', WARMS, { parts: ['stats'] });
    const environment = { API_TOKEN: TOKEN, WARM_ID: String(started.json['workflow_id']) };
    expect(otherExamples.length).toBeGreaterThan(0);
    for (const example of [...otherExamples, ...sections.flatMap(examplesOf)]) {
      const { status, text } = await run(example, environment);
      expect(status, `${example.command}${text}`).toBe(example.status);
      if (text.startsWith('<')) continue; // a page
      const json = JSON.parse(text.split('\n').at(-1) ?? '') as Record<string, unknown>;
      const [method = '', path = ''] = example.route.split(' ');
      expectDocumented(routes, method, path, { status, text, json, headers: new Headers() });
      if (example.answer === undefined) continue;
      expect(differences(example.answer, json), example.command).toEqual([]);
      if (!VARYING_ROUTES.includes(example.route))
        expect(otherValues(example.answer, json), example.command).toEqual([]);
    }
  });
});
