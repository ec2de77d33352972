import { setTimeout as sleep } from 'node:timers/promises';
import { createTrino } from '../../clients/lakehouse/trino.ts';
import { profile } from '../../domain/entities/profile.ts';
import { median } from '../figures.ts';
import { bytesRead } from './bytes-read.ts';
import type { Warming } from './start-warming.ts';

const APPENDED = 100;
const ROUNDS = 5;
const POLL_MS = 5;

/**
 * Appends rows to a large table whose profiles are all warm. Measures the time until they can be read, and the bytes that the warm reads.
 * @param table qualified name
 * @param fullBytes the bytes of a read of all rows
 */
export async function measureAppend(warming: Warming, table: string, fullBytes: number): Promise<void> {
  const { bench, redis, source, warm } = warming;
  const trino = createTrino({ url: source.trinoUrl, user: 'bench', queryTimeoutSeconds: 60 });
  const columns = (
    await trino.rows(`SHOW COLUMNS FROM ${table}`, { columns: ['Column', 'Type', 'Extra', 'Comment'] })
  )
    .map(([name]) => name ?? '')
    .filter((name) => name !== 'kol_id');
  const rounds: { readableMs: number; totalMs: number; bytes: number }[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    await trino.rows(
      `INSERT INTO ${table} (kol_id, ${columns.join(', ')})
       SELECT 'appended-${round}-' || CAST(row_number() OVER () AS VARCHAR), ${columns.join(', ')} FROM ${table} LIMIT ${APPENDED}`,
      { columns: ['rows'] },
    );
    const since = new Date();
    const started = performance.now();
    const run = warm({ parts: ['profiles'], allProfiles: true });
    const last = Array.from({ length: APPENDED }, (_, row) => profile.key(`appended-${round}-${row + 1}`));
    while ((await redis.exists(...last)) < APPENDED) await sleep(POLL_MS);
    const readableMs = performance.now() - started;
    const report = await run;
    if (report.parts[0]?.rowsRead !== APPENDED)
      throw new Error(`The warm read ${report.parts[0]?.rowsRead} rows: ${report.parts[0]?.skipped.join()}`);
    const totalMs = performance.now() - started;
    rounds.push({ readableMs, totalMs, bytes: await bytesRead(source.trinoUrl, since) });
  }
  const readableMs = median(rounds.map((round) => round.readableMs));
  bench.figure({
    what: `an append of ${APPENDED} rows to them: until all of these can be read`,
    value: `${Math.round(readableMs)} ms`,
    against: `wanted ≤ 1500 ms; ${Math.round(median(rounds.map(({ totalMs }) => totalMs)))} ms with the renewal of the other keys`,
    ratio: readableMs / 1500,
  });
  const bytes = median(rounds.map((round) => round.bytes));
  bench.figure({
    what: `bytes that Trino read for it`,
    value: `${Math.round(bytes / 1024)} KiB`,
    against: `${Math.round(fullBytes / 1024)} KiB for all rows; wanted ≤ 1 %`,
    ratio: bytes / (0.01 * fullBytes),
  });
}
