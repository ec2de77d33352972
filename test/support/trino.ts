/**
 * Asks Trino over its bare REST protocol, so that what the tests compare with comes neither from trino-client nor from our
 * own queries.
 */
export async function askTrino(url: string, sql: string): Promise<unknown[][]> {
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
