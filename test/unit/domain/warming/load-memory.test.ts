import { describe, expect, test } from 'vitest';
import { createLoadQueue } from '../../../../domain/warming/load-queue.ts';
import {
  createLoadMemory,
  ETL_FINISHED_LOADS,
  ETL_MEMORY_HOURS,
  ETL_UNFINISHED_LOADS,
} from '../../../../domain/warming/load-memory.ts';
import { MAX_ID_LENGTH } from '../../../../domain/values/text-ids.ts';
import { MAX_SCOPE_IDS } from '../../../../domain/warming/warm-scope.ts';

const load = { tables: ['kol_content'], pipeline: 'nightly', runId: 'run-1' };
const numbered = (index: number) => ({ ...load, runId: `run-${index}` });
const NOON = Date.parse('2026-01-01T12:00:00Z');
const DAY_MS = ETL_MEMORY_HOURS * 3_600_000;

const statesOf = (memory: ReturnType<typeof createLoadMemory>, runId = load.runId) =>
  memory.find({ runId }).map(({ state }) => state);

/** A memory with one load, whose warm has ended. */
function memoryAfterWarm(error: string | null) {
  const memory = createLoadMemory();
  memory.add(load, NOON);
  memory.startWarm('warm-1');
  memory.endWarm(error, NOON + 1);
  return memory;
}

describe('a load', () => {
  test('is taken, then warming, then done', () => {
    const memory = createLoadMemory();
    expect(statesOf(memory)).toEqual([]);
    memory.add(load, NOON);
    expect(statesOf(memory)).toEqual(['taken']);
    memory.startWarm('warm-1');
    expect(statesOf(memory)).toEqual(['warming']);
    memory.endWarm(null, NOON + 1);
    expect(memory.find(load)).toEqual([
      {
        tables: ['kol_content'],
        state: 'done',
        takenMs: NOON,
        warm: { workflowId: 'warm-1', endedMs: NOON + 1, error: null },
      },
    ]);
  });

  test('that arrives during a warm belongs to the next one', () => {
    const memory = createLoadMemory();
    memory.add(load, NOON);
    memory.startWarm('warm-1');
    memory.add(numbered(2), NOON);
    memory.endWarm('no Redis', NOON);
    expect(statesOf(memory)).toEqual(['failed']);
    expect(statesOf(memory, 'run-2')).toEqual(['taken']);
  });

  test('is found by its run; the pipeline distinguishes runs of the same id', () => {
    const memory = createLoadMemory();
    memory.add(load, NOON);
    memory.add({ ...load, tables: ['kol_profiles'] }, NOON);
    memory.add({ ...load, pipeline: 'other' }, NOON);
    expect(memory.find({ runId: 'run-1' })).toHaveLength(3);
    expect(memory.find({ runId: 'run-1', pipeline: 'nightly' })).toHaveLength(2);
    expect(memory.find({ runId: 'run-1', pipeline: 'unknown' })).toEqual([]);
  });
});

describe('a load that arrives again', () => {
  test('is a repeat while it is taken, while it is warming and when it is done', () => {
    const memory = createLoadMemory();
    expect(memory.add(load, NOON)).toBe(true);
    expect(memory.add(load, NOON)).toBe(false);
    memory.startWarm('warm-1');
    expect(memory.add(load, NOON)).toBe(false);
    memory.endWarm(null, NOON);
    expect(memory.add(load, NOON)).toBe(false);
  });

  test('is new after its warm failed', () => {
    const memory = memoryAfterWarm('no Redis');
    expect(memory.add(load, NOON)).toBe(true);
    expect(statesOf(memory)).toEqual(['taken']);
  });

  test.each([
    ['after the first', '2026-01-01T03:00:00Z', '2026-01-01T03:00:00.001Z', true],
    ['at the time of the first', '2026-01-01T03:00:00Z', '2026-01-01T04:00:00+01:00', false],
    ['before the first', '2026-01-01T03:00:00Z', '2026-01-01T03:30:00+01:00', false],
    ['at a time that it does not say', '2026-01-01T03:00:00Z', undefined, false],
    ['after the first arrived, which has no time', undefined, '2026-01-01T12:00:01Z', true],
    ['before the first arrived, which has no time', undefined, '2026-01-01T11:59:59Z', false],
  ])('and was loaded %s: new or not', (_when, first, second, isNew) => {
    const memory = createLoadMemory();
    const at = (loadedAt: string | undefined) => (loadedAt === undefined ? load : { ...load, loadedAt });
    memory.add(at(first), NOON);
    expect(memory.add(at(second), NOON)).toBe(isNew);
  });

  test('and was loaded later waits for the next warm', () => {
    const memory = createLoadMemory();
    memory.add(load, NOON);
    memory.startWarm('warm-1');
    memory.add({ ...load, loadedAt: '2026-01-02T00:00:00Z' }, NOON);
    memory.endWarm(null, NOON);
    expect(statesOf(memory)).toEqual(['taken']);
  });

  test('without a run id is always new', () => {
    const memory = createLoadMemory();
    const { runId: _, ...anonymous } = load;
    expect([memory.add(anonymous, NOON), memory.add(anonymous, NOON)]).toEqual([true, true]);
    expect(memory.snapshot().loads).toEqual([]);
  });
});

test('when a load of a warm was repeated, the loads of that warm can be taken again', () => {
  const memory = createLoadMemory();
  memory.add(load, NOON);
  memory.add(numbered(2), NOON);
  memory.startWarm('warm-1');
  expect(memory.wasRepeated()).toBe(false);
  memory.add(load, NOON);
  expect(memory.wasRepeated()).toBe(true);
  memory.retakeLoads();
  expect([statesOf(memory), statesOf(memory, 'run-2')]).toEqual([['taken'], ['taken']]);
  memory.startWarm('warm-2');
  expect(memory.wasRepeated()).toBe(false);
});

describe('the memory', () => {
  test('forgets a finished load a day after it arrived', () => {
    const memory = memoryAfterWarm(null);
    expect(memory.add(load, NOON + DAY_MS - 1)).toBe(false);
    expect(memory.add(load, NOON + DAY_MS)).toBe(true);
  });

  test('keeps the latest finished loads, and the latest unfinished ones', () => {
    const memory = createLoadMemory();
    const count = ETL_UNFINISHED_LOADS + 1;
    for (let index = 0; index < count; index += 1) memory.add(numbered(index), NOON);
    expect(statesOf(memory, 'run-0')).toEqual([]);
    expect(statesOf(memory, 'run-1')).toEqual(['taken']);
    memory.startWarm('warm-1');
    memory.endWarm(null, NOON);
    expect(statesOf(memory, `run-${count - ETL_FINISHED_LOADS - 1}`)).toEqual([]);
    expect(statesOf(memory, `run-${count - ETL_FINISHED_LOADS}`)).toEqual(['done']);
  });

  test('continues from a snapshot', () => {
    const first = memoryAfterWarm('no Redis');
    first.add(numbered(2), NOON);
    const second = createLoadMemory(structuredClone(first.snapshot()));
    expect(second.snapshot()).toEqual(first.snapshot());
    expect(second.find(load)).toEqual(first.find(load));
    second.startWarm('warm-2');
    second.endWarm(null, NOON);
    expect([statesOf(second), statesOf(second, 'run-2')]).toEqual([['failed'], ['done']]);
  });

  test('fits in a payload of Temporal together with the loads that wait, also when all texts are long', () => {
    const memory = createLoadMemory();
    const queue = createLoadQueue();
    const long = (index: number) => `${String(index).padStart(9, '0')}${'Ы\u{20AC}'.repeat(MAX_ID_LENGTH)}`;
    const longLoad = (index: number, ids: number) => ({
      tables: ['kol_content', 'kol_profiles', 'kol_trust_features'],
      runId: long(index).slice(0, MAX_ID_LENGTH),
      pipeline: long(index).slice(0, MAX_ID_LENGTH),
      ids: Array.from({ length: ids }, (_, id) => long(id).slice(0, MAX_ID_LENGTH)),
    });
    for (let index = 0; index < ETL_FINISHED_LOADS; index += 1) {
      memory.add(longLoad(index, 1), NOON);
      memory.startWarm(`warm-cache-etl-loads-6f1c2a52-${index}`);
      memory.endWarm('\u{20AC}'.repeat(1000), NOON);
    }
    for (let index = 0; index < ETL_UNFINISHED_LOADS; index += 1) memory.add(longLoad(-index, 1), NOON);
    for (let ids = 1; ids <= MAX_SCOPE_IDS; ids += 100) queue.add(longLoad(0, ids));
    const bytes = Buffer.byteLength(JSON.stringify([memory.snapshot(), queue.waiting()]));
    expect(bytes).toBeLessThan(1.9 * 1024 * 1024);
  });
});
