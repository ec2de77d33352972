import { setTimeout as sleep } from 'node:timers/promises';
import { BasicAuth, Trino, type QueryResult } from 'trino-client';

/** Trino rejected a statement or did not finish it. */
export class StatementError extends Error {
  readonly code = 'LAKEHOUSE_STATEMENT_FAILED';
  constructor(
    /** Trino's error name, such as TABLE_NOT_FOUND. */
    readonly errorName: string,
    message: string,
    sql: string,
  ) {
    super(`Trino rejected "${sql.trim().split('\n', 1)[0]?.slice(0, 120)}": ${errorName}: ${message}`);
    this.name = 'StatementError';
  }
}

/** Runs one statement until it finishes. @returns its rows, each an array of cells */
export type RunStatement = (sql: string) => Promise<unknown[][]>;

// A coordinator accepts statements shortly before it can run them.
const STARTING = new Set(['SERVER_STARTING_UP', 'NO_NODES_AVAILABLE']);
const STARTING_RETRIES = 20;

/**
 * @param trinoUrl address of the coordinator
 * @param user the Trino user that runs the statements
 * @returns a function that runs statements, retries while Trino starts, and throws StatementError when a statement fails
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

/** `for await` of trino-client hides an error in the first page, so this checks every page itself. */
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
    if (state !== 'FINISHED')
      throw new StatementError('NOT_FINISHED', `the statement ended in state ${state}`, sql);
    return rows;
  }
}
