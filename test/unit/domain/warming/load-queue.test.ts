import { expect, test } from 'vitest';
import { partsAndScopesOf } from '../../../../domain/warming/etl-load.ts';
import { createLoadQueue, NO_LOADS } from '../../../../domain/warming/load-queue.ts';

const load = (index: number) => ({
  tables: ['kol_profiles'],
  ids: [`id-${index % 900}`],
  pipeline: `p-${index % 20}`,
});

test('loads are merged into one, however many there are; taking them empties the queue', () => {
  const loads = Array.from({ length: 1050 }, (_, index) => load(index));
  const queue = createLoadQueue();
  loads.forEach((one) => queue.add(one));
  const waiting = queue.waiting();
  expect(waiting).toMatchObject({ ...partsAndScopesOf(loads), loads: 1050 });
  expect(waiting.pipelines).toEqual(Array.from({ length: 10 }, (_, index) => `p-${index}`));
  expect(queue.take()).toEqual(waiting);
  expect(queue.isEmpty()).toBe(true);
  expect(queue.take()).toEqual(NO_LOADS);
});

test('loads that are put back wait together with loads that arrived in between', () => {
  const queue = createLoadQueue();
  queue.add(load(1));
  const taken = queue.take();
  queue.add({ tables: ['kol_content'] });
  queue.putBack(taken);
  expect(queue.isEmpty()).toBe(false);
  expect(queue.take()).toEqual({
    loads: 2,
    parts: ['profiles', 'rankings', 'trending', 'stats'],
    scopes: { profiles: { ids: ['id-1'] } },
    pipelines: ['p-1', 'unknown'],
  });
});

test('a queue continues with the loads of another', () => {
  const first = createLoadQueue();
  first.add(load(1));
  const second = createLoadQueue(first.waiting());
  expect(second.isEmpty()).toBe(false);
  second.add(load(2));
  expect(second.take()).toMatchObject({ loads: 2, scopes: { profiles: { ids: ['id-1', 'id-2'] } } });
});
