import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PartReport } from '../../../domain/warming/part-report.ts';
import { projectFolder } from '../../../engines/paths.ts';
import { startApi, useRedis } from '../../support/api.ts';
import { executedFiles } from '../../support/executed-files.ts';
import { event, loopHarness } from '../../support/loop-harness.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';
import { warmHarness } from '../../support/warm-harness.ts';
import { testEngines } from '../../support/test-engines.ts';

const REDIS_URL = `${testEngines().REDIS_URL}/14`;
await useRedis({ REDIS_URL }); // another file may have filled it

const document = await readFile(join(projectFolder, 'docs', 'architecture.md'), 'utf8');

/** The files of a walk in docs/architecture.md, and the numbers that its text states. */
function walk(title: string) {
  const section = document.split('\n### ').find((text) => text.startsWith(title)) ?? '';
  const files = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, file]) => file ?? '');
  const [, stated] = /\*\*(\d+) files/.exec(section) ?? [];
  return { files, stated: Number(stated) };
}

/** Workflow code runs in a separate sandbox, and the start of a warm is not part of an activity. */
const inActivity = (files: readonly string[]) =>
  files.filter(
    (file) =>
      !file.startsWith('workflows/') && !file.includes('temporal/') && !file.includes('signal-part-warmer'),
  );

/** In production the ML service is another process. Patches run within a library, and a connection to Redis may be opened at any time. */
const isOurStep = (file: string) =>
  !file.startsWith('simulators/') && !file.includes('/patch-') && file !== 'clients/redis.ts';

/** What sends the heartbeat of a slice. On a busy machine there is one during each walk. */
const EACH_SECOND = ['activities/heartbeat.ts', 'activities/scoring/score-partition.ts'];

/**
 * Files that run for every request, or meanwhile, and do not touch its data: the log, the read counter, the clock, what keeps L1 right, the
 * deadline, whether somebody still waits, the demands of the client, the switches, the names of the versions of the last warms.
 */
const CROSS_CUTTING = [
  'api/log-requests.ts',
  'api/logged-url.ts',
  'api/create-http-server.ts',
  'api/express-classes.ts',
  'api/answer-ready.ts',
  'cache/popularity/read-counter.ts',
  'cache/reading/invalidations.ts',
  'cache/redis/master-nodes.ts',
  'api/dependencies.ts',
  'api/deadline.ts',
  'domain/values/lazy-abort.ts',
  'domain/values/until-unwanted.ts',
  'domain/values/abortable.ts',
  'api/request-controls.ts',
  'domain/values/request-directives.ts',
  'cache/admin/switchboard.ts',
  'cache/redis/wrong-type.ts', // of the switches
  'domain/entities/switches.ts',
  'cache/reading/last-warms.ts',
  'domain/entities/part-metadata.ts',
  'domain/warming/is-of-warm.ts',
];

/** What ran in each of several walks, without periodic work, such as a write of the read counts or a look-up of a topic. */
const inEach = ([first = new Set<string>(), ...others]: readonly Set<string>[]): string[] =>
  [...first].filter((file) => others.every((walk) => walk.has(file)));

const WALKS = 5;

test('a miss runs the files that the document lists, and no more than 35', async () => {
  const { files, stated } = walk('A request');
  const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA } = testEngines();
  const sql = `SELECT kol_id FROM ${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_profiles ORDER BY kol_id LIMIT ${1 + WALKS}`;
  const [first = '', ...others] = await queryColumn(TRINO_URL, sql);
  const api = await startApi({ REDIS_URL, API_L1_MEGABYTES: '8' });
  try {
    await api.get(`/api/v1/kols/${encodeURIComponent(first)}`); // checks the schema, which is kept for later requests
    const walks: Set<string>[] = [];
    for (const id of others)
      walks.push(
        await executedFiles(async () => {
          const { headers } = await api.get(`/api/v1/kols/${encodeURIComponent(id)}`);
          expect(headers.get('cache-status')).toContain('stored');
        }),
      );
    expect(walks).toHaveLength(WALKS);
    const steps = inEach(walks).filter((file) => isOurStep(file) && !CROSS_CUTTING.includes(file));
    expect(steps.sort()).toEqual([...files].sort());
    expect(files.length).toBe(stated);
    expect(files.length).toBeLessThanOrEqual(35);
  } finally {
    await api.close();
  }
});

test('the warm of a row runs the files that the document lists, and no more than 35', async () => {
  const { files, stated } = walk('A row');
  let executed = new Set<string>();
  const harness = await warmHarness(14, {}, (real) => ({
    async warmProfileSplit(args) {
      const attempt: { report?: Promise<PartReport> } = {};
      executed = await executedFiles(() => (attempt.report = real.warmProfileSplit(args)));
      return attempt.report ?? Promise.reject(new Error('the split did not run'));
    },
  }));
  try {
    await harness.warm({ parts: ['profiles'], allProfiles: true, force: true });
    expect([...executed].filter(isOurStep).sort()).toEqual(inActivity(files).sort());
    expect(files.length).toBe(stated);
    expect(files.length).toBeLessThanOrEqual(35);
  } finally {
    await harness.stop();
  }
});

test('an event runs the files that the document lists, and no more than 35', async () => {
  const { files, stated } = walk('An event');
  const harness = await loopHarness(14);
  const producedAndCommitted = async (name: string, count: number) => {
    await harness.producer.send({ topic, messages: [event('profiles', name)] });
    await until('its offset is committed', async () => {
      const [offsets] = await harness.admin.fetchOffsets({
        groupId: harness.config.SCORING_GROUP,
        topics: [topic],
      });
      return offsets?.partitions[0]?.offset === String(count);
    });
  };
  const topic = await harness.newTopic(1);
  try {
    const walks: Set<string>[] = [];
    // One slice for all of it: an event does not open its partition.
    const settings = { trigger: 'available', sliceSeconds: 600 } as const;
    await harness.withLoop(
      topic,
      async () => {
        let count = 0;
        const walkOfEvent = async () => {
          count += 1;
          return executedFiles(() => producedAndCommitted(`walker-${count}`, count));
        };
        // The worker queries Trino for each name until it has copied the features of all KOLs.
        await until(
          'the features are in memory',
          async () => !(await walkOfEvent()).has('clients/lakehouse/trino.ts'),
        );
        while (walks.length < WALKS) walks.push(await walkOfEvent());
      },
      { settings },
    );
    const steps = inEach(walks).filter((file) => isOurStep(file) && !EACH_SECOND.includes(file));
    expect(steps.sort()).toEqual(inActivity(files).sort());
    expect(files.length).toBe(stated);
    expect(files.length).toBeLessThanOrEqual(35);
  } finally {
    await harness.close();
  }
});
