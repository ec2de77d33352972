/**
 * Runs a query over Trino's REST protocol. Tests use it for expected values, so it uses neither trino-client nor our own
 * queries.
 */
export async function queryTrino(url: string, sql: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  let response = await fetch(`${url}/v1/statement`, {
    method: 'POST',
    body: sql,
    headers: { 'X-Trino-User': 'test' },
  });
  for (;;) {
    const page = (await response.json()) as {
      data?: unknown[][];
      nextUri?: string;
      error?: { message: string };
    };
    if (page.error) throw new Error(`${page.error.message} in ${sql}`);
    rows.push(...(page.data ?? []));
    if (page.nextUri === undefined) return rows;
    response = await fetch(page.nextUri, { headers: { 'X-Trino-User': 'test' } });
  }
}

/** The first column of a result, which is VARCHAR; "" for null. */
export const queryColumn = async (url: string, sql: string): Promise<string[]> =>
  (await queryTrino(url, sql)).map(([cell]) => (typeof cell === 'string' ? cell : ''));
