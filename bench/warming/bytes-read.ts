import { literal } from '../../clients/lakehouse/sql.ts';
import { createTrino } from '../../clients/lakehouse/trino.ts';

/** The bytes that Trino read from the storage for the workers' queries since a time. Trino drops a query after some minutes. */
export async function bytesRead(trinoUrl: string, since: Date): Promise<number> {
  const trino = createTrino({ url: trinoUrl, user: 'bench', queryTimeoutSeconds: 60 });
  const [row] = await trino.rows(
    `SELECT CAST(coalesce(sum(physical_input_bytes), 0) AS VARCHAR) AS bytes
     FROM system.runtime.tasks JOIN system.runtime.queries USING (query_id)
     WHERE "source" = 'kol-cache' AND "user" <> 'bench' AND queries.created > from_iso8601_timestamp(${literal(since.toISOString())})`,
    { columns: ['bytes'] },
  );
  return Number(row?.[0]);
}
