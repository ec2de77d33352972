import { setTimeout as sleep } from 'node:timers/promises';
import { BasicAuth, Trino, type QueryResult } from 'trino-client';

/** A statement that Trino refused or gave up. */
export class StatementError extends Error {
  readonly code = 'LAKEHOUSE_STATEMENT_FAILED';
  constructor(
    /** Trino's name of the error, e.g. TABLE_NOT_FOUND. */
    readonly errorName: string,
    message: string,
    sql: string,
  ) {
    super(`Trino refused "${sql.trim().split('\n', 1)[0]?.slice(0, 120)}": ${errorName}: ${message}`);
    this.name = 'StatementError';
  }
}

/** Runs one statement to its end and gives its rows, each an array of cells. */
export type RunStatement = (sql: string) => Promise<unknown[][]>;

// A coordinator takes statements a little before it can run them.
const STARTING = new Set(['SERVER_STARTING_UP', 'NO_NODES_AVAILABLE']);
const STARTING_RETRIES = 20;

/**
 * Runs statements on one Trino.
 * @param trinoUrl address of the coordinator
 * @param user whom the statements run as
 * @returns a runner that waits while Trino starts, and throws StatementError for anything but success
 */
export function statementRunner(trinoUrl: string, user: string): RunStatement {
  return async (sql) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await runOnce(trinoUrl, user, sql);
      } catch (error) {
        const starting = error instanceof StatementError && STARTING.has(error.errorName);
        if (!starting || attempt > STARTING_RETRIES) throw error;
        await sleep(1000);
      }
    }
  };
}

/** trino-client hides an error of the first reply from `for await`, so each page is looked at here. */
async function runOnce(server: string, user: string, sql: string): Promise<unknown[][]> {
  const client = Trino.create({ server, source: 'kol-lakehouse', auth: new BasicAuth(user) });
  const pages = await client.query(sql);
  const rows: unknown[][] = [];
  for (;;) {
    const next = await pages.next();
    const page = next.value as QueryResult;
    if (page.error) throw new StatementError(page.error.errorName, page.error.message, sql);
    for (const row of page.data ?? []) rows.push(row as unknown[]);
    if (next.done !== true && page.nextUri !== undefined) continue;
    const state = page.stats?.state ?? 'unknown';
    if (state !== 'FINISHED') throw new StatementError('NOT_FINISHED', `it ended in state ${state}`, sql);
    return rows;
  }
}
