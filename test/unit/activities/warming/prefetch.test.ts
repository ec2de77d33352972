import { expect, test } from 'vitest';
import { prefetchPages } from '../../../../activities/warming/prefetch.ts';

/** Pages 1, 2, 3, … and what happened to them. @param failing the page that cannot be fetched */
function source(count: number, failing = 0) {
  const state = { fetched: 0, isClosed: false };
  async function* pages() {
    try {
      for (let page = 1; page <= count; page += 1) {
        state.fetched = page;
        if (page === failing) throw new Error('the query was killed');
        yield await Promise.resolve(page);
      }
    } finally {
      state.isClosed = true;
    }
  }
  return { state, pages: pages() };
}

test('the next page is fetched while the caller works on one, and no further page', async () => {
  const { state, pages } = source(4);
  const fetched: number[] = [];
  for await (const page of prefetchPages(pages)) {
    fetched.push(page);
    expect(state.fetched).toBe(Math.min(4, page + 1));
    await new Promise(setImmediate);
    expect(state.fetched).toBe(Math.min(4, page + 1));
  }
  expect(fetched).toEqual([1, 2, 3, 4]);
});

test('a page that cannot be fetched ends the read, after the caller has received the pages before it', async () => {
  const { pages } = source(3, 2);
  const fetched: number[] = [];
  const read = async () => {
    for await (const page of prefetchPages(pages)) {
      fetched.push(page);
      await new Promise(setImmediate);
    }
  };
  await expect(read()).rejects.toThrow('the query was killed');
  expect(fetched).toEqual([1]);
});

test('the source is closed when the caller leaves early', async () => {
  const { state, pages } = source(4);
  for await (const _ of prefetchPages(pages)) break;
  expect(state).toEqual({ fetched: 2, isClosed: true });
});
