/**
 * The most queries that look-ups share which arrive since a time: two run at once, another batch waits, and on a busy machine requests
 * arrive over seconds, in each of which some six queries can end. Without batches there are as many queries as ids.
 */
export const mostBatches = (since: Date): number => 3 + (6 * (Date.now() - since.getTime())) / 1000;
