import { Pool } from 'undici';

/** Scores a number of profiles with one call each, a fixed number of them at the same time. */
export async function singleCalls(mlUrl: string, concurrency: number, calls: number): Promise<void> {
  const pool = new Pool(mlUrl, { connections: concurrency, pipelining: 1 });
  let left = calls;
  const caller = async () => {
    for (; left > 0;) {
      left -= 1;
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/predict/trust',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ kol_id: `bare-${left}`, followers_count: 11_300, following_count: 120 }),
      });
      if (statusCode !== 200) throw new Error(`the model answered ${statusCode}: ${await body.text()}`);
      await body.json();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  await pool.close();
}
