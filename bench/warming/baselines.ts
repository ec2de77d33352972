import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { createLakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { createSilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import { createTrino, type Trino } from '../../clients/lakehouse/trino.ts';
import { readEntries } from './read-entries.ts';
import { encodeWrites, sendBytes } from './ready-bytes.ts';
import { runOldScript } from './old-script.ts';

/**
 * The baselines of a full warm, in a process of their own: the design of the old script, and the reads and the writes of the warm without
 * anything else. It answers the name of a baseline with the milliseconds that it took.
 */
const { values: options } = parseArgs({
  options: {
    trino: { type: 'string', default: '' },
    catalog: { type: 'string', default: '' },
    schema: { type: 'string', default: '' },
    redis: { type: 'string', default: '' },
  },
});

const trino = createTrino({ url: options.trino, user: 'bench', queryTimeoutSeconds: 300 });
const redis = new Redis(options.redis, { protocol: 2 });
const queries: { sql: string; columns: readonly string[] }[] = [];
const recording: Trino = {
  pages: (sql, query) => (queries.push({ sql, columns: query.columns }), trino.pages(sql, query)),
  rows: (sql, query) => (queries.push({ sql, columns: query.columns }), trino.rows(sql, query)),
};
const { catalog, schema } = options;
const entries = await readEntries(createLakehouse(recording, createSilverCatalog(recording, options)));
const writes = encodeWrites(entries, 'bare:');
const lakehouse = createLakehouse(trino, createSilverCatalog(trino, options));

const baselines = {
  script: () => runOldScript({ trino, lakehouse, redis, schema: `${catalog}.${schema}` }),
  /** The results of the queries of the warm are read side by side, and discarded. */
  reads: async () => {
    await Promise.all(
      queries.map(async ({ sql, columns }) => {
        for await (const page of trino.pages(sql, { columns })) void page;
      }),
    );
  },
  writes: () => sendBytes(options.redis, writes),
};
export type Baseline = keyof typeof baselines;

process.on('message', (name: Baseline) => {
  const started = performance.now();
  void baselines[name]().then(() => process.send?.(performance.now() - started));
});
process.send?.('ready');
