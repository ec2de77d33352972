import type { RunningApi } from './api.ts';
import { until } from './until.ts';

/** Reads until the kept answer of this URL has its compressed forms, which are made in the background. */
export async function untilCompressed(api: Pick<RunningApi, 'get'>, url: string): Promise<void> {
  for (const encoding of ['gzip', 'br']) {
    const read = () => api.get(url, { 'accept-encoding': encoding });
    await until(
      `${url} has ${encoding}`,
      async () => (await read()).headers.get('content-encoding') === encoding,
    );
  }
}
