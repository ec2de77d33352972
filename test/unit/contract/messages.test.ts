import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { usableCarriedState } from '../../../contract/carried-loop-state.ts';
import { parseEtlLoadsInput } from '../../../contract/etl-loads-input.ts';
import {
  parsePartOutcome,
  parsePartWarmerInput,
  parseWarmRequest,
  type WarmRequest,
} from '../../../contract/part-warmer.ts';
import { parseLoopChange, parseScoringLoopInput, parseSeekTarget } from '../../../contract/scoring-loop.ts';
import { parseEtlRunSelector } from '../../../contract/etl-loads.ts';
import { parseWarmCacheInput } from '../../../contract/warm-cache.ts';
import { NO_TOTALS } from '../../../domain/scoring/committed-metadata.ts';
import { createLoadMemory } from '../../../domain/warming/load-memory.ts';
import { createLoadQueue } from '../../../domain/warming/load-queue.ts';
import { carryRequests } from '../../../workflows/warming/waiting-requests.ts';
import { newPartition } from '../../../workflows/scoring/loop-memory.ts';
import { reportOf } from '../../support/part-report.ts';

/** What Temporal does with a message. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const checks = {
  parseWarmRequest,
  parsePartOutcome,
  parsePartWarmerInput,
  parseEtlLoadsInput,
  parseEtlRunSelector,
  parseWarmCacheInput,
  parseScoringLoopInput: (given: unknown) => parseScoringLoopInput(given as { topic: string }),
  parseLoopChange,
  parseSeekTarget,
};

const request: fc.Arbitrary<WarmRequest> = fc.record({
  trigger: fc.constantFrom('schedule', 'startup', 'etl', 'manual'),
  allProfiles: fc.boolean(),
  force: fc.boolean(),
  allowShrink: fc.boolean(),
  scope: fc.constantFrom(undefined, { ids: ['1', 'ä b'] }, { platforms: ['tiktok', 'all'] }),
  replyTo: fc.constantFrom('warm-cache-startup', 'warm-cache-manual-a/b 1', 'x'.repeat(1000)),
  runId: fc.uuid(),
});

describe('a message of any form', () => {
  test.each(Object.entries(checks))('is checked by %s without an error', (_, parse) => {
    const keys = ['part', 'runId', 'report', 'state', 'waiting', 'memory', '__proto__', 'scopes', 'offsets'];
    const nested = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue());
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), nested, fc.constant(undefined)), (given) => {
        const parsed = parse(given);
        expect('value' in parsed || parsed.invalid.length > 0).toBe(true);
      }),
    );
  });

  test('as the state of a loop leaves what is valid', () => {
    fc.assert(fc.property(fc.jsonValue(), (given) => void usableCarriedState(given)));
    const valid = { ...newPartition(3, 7, NO_TOTALS), perSecond: 2 };
    expect(
      usableCarriedState({ paused: true, partitions: [{ ...valid, totals: 7 }, null], setBy: 7 }),
    ).toMatchObject({ paused: true, partitions: [{ partition: 3, position: 7, perSecond: 2 }] });
  });
});

describe('a message of our own workflows is accepted as it is', () => {
  test('a request, also as the input of the next run', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1 }), (requests) => {
        const [first] = requests;
        expect(parseWarmRequest(sent(first))).toEqual({ value: first });
        const carried = { part: 'stats', ...carryRequests(requests) };
        expect(parsePartWarmerInput(sent(carried))).toEqual({ value: carried });
      }),
    );
  });

  test('the requests of thousands of platforms together', () => {
    const waitingScope = { platforms: Array.from({ length: 3000 }, (_, index) => `p${index}`) };
    expect(parsePartWarmerInput({ part: 'stats', waitingScope })).toMatchObject({ value: { waitingScope } });
  });

  test('the outcome of a run, of which long texts are cut', () => {
    const served = { part: 'stats', runId: 'run' };
    const report = { ...reportOf('stats'), cached: 1, unreadableColumns: 0, warnings: ['a'] };
    for (const outcome of [
      { ...served, report },
      { ...served, report: reportOf('stats') },
      { ...served, error: 'e' },
    ])
      expect(parsePartOutcome(sent(outcome))).toEqual({ value: outcome });
    const long = { ...report, warnings: Array.from({ length: 5000 }, () => 'x'.repeat(5000)) };
    expect(JSON.stringify(parsePartOutcome({ ...served, report: long })).length).toBeLessThan(100_000);
  });

  test('the input of a request with fields of a later version', () => {
    const given = { trigger: 'etl', replyTo: 'a', runId: 'b', scope: null, later: 1 };
    expect(parseWarmRequest(given)).toEqual({
      value: {
        trigger: 'etl',
        replyTo: 'a',
        runId: 'b',
        allProfiles: false,
        force: false,
        allowShrink: false,
      },
    });
  });

  test('the loads that a receiver hands over', () => {
    const load = fc.record(
      {
        tables: fc.subarray(['kol_profiles', 'kol_content'], { minLength: 1 }),
        runId: fc.constantFrom('1', '2'),
        ids: fc.constantFrom(['1'], ['2', '3']),
        platforms: fc.constant(['tiktok']),
      },
      { requiredKeys: ['tables'] },
    );
    fc.assert(
      fc.property(fc.array(load), fc.boolean(), (loads, isWarmed) => {
        const queue = createLoadQueue();
        const memory = createLoadMemory();
        for (const one of loads) {
          memory.add(one, 1);
          queue.add(one);
          if (isWarmed) memory.startWarm('warm');
          if (isWarmed) memory.endWarm('it failed', 2);
        }
        const { loads: count, parts, ...rest } = queue.waiting();
        const lastWarm = { workflowId: 'w', parts, requestedBy: 'a', loads: 1, startedAt: 'now' };
        const input = {
          state: {
            ...{ taken: 1, repeats: 0, ignored: 0, problems: [{ at: 'now', ignored: true, reason: 'r' }] },
            waiting: { loads: count, parts },
            lastWarm: { ...lastWarm, endedAt: null, keys: null, error: null },
          },
          waiting: { loads: count, parts, ...rest },
          memory: memory.snapshot(),
        };
        expect(parseEtlLoadsInput(sent(input))).toEqual({ value: input });
      }),
    );
  });

  test('the state of a loop', () => {
    const state = {
      ...{ paused: true, partitionCount: 40, setBy: { trigger: { by: 'ana', atMs: 5 } } },
      partitions: [
        newPartition(3, 7, NO_TOTALS),
        {
          ...newPartition(4, 7, { ...NO_TOTALS, scored: 3 }),
          identity: { clusterId: 'c', topicId: 't' },
          lag: { offsets: 3, eventSeconds: 1.5, appendSeconds: null },
          lastBatch: { startedAtMs: 1, offsets: 2, durationMs: 3, appendedMs: null },
          stuck: { sinceMs: 1, lastMs: 2, reason: 'r', attempts: 3 },
          blocked: { sinceMs: 1, offsets: 2 },
          disagreement: { atMs: 1, kind: 'ahead' },
          worker: 'w',
        },
      ],
    };
    expect(usableCarriedState(sent(state))).toEqual(state);
  });
});
