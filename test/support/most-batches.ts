/**
 * The most queries that look-ups share which arrive since a time: a batch collects ids for at most 250 ms, two queries run at once, and
 * another batch waits. A busy machine sends requests over seconds.
 */
export const mostBatches = (since: Date): number => 3 + (4 * (Date.now() - since.getTime())) / 1000;
