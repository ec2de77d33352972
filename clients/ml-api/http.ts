import { ExponentialBackoff, handleType, retry } from 'cockatiel';
import { Pool } from 'undici';
import { abortable } from '../../domain/values/abortable.ts';
import { ConnectionLostError, MlApiUnavailableError } from './unavailable-error.ts';

export interface MlResponse {
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

interface MlHttp {
  /**
   * Posts JSON and returns what `read` makes of the response. A call without response is repeated, and so is a call whose
   * response makes `read` throw MlApiUnavailableError.
   * @throws MlApiUnavailableError, ConnectionLostError among them, and the signal's reason
   */
  post<T>(path: string, payload: unknown, read: (response: MlResponse) => T, signal: AbortSignal): Promise<T>;
  /** Lets pending calls finish, then closes the connections. */
  close(): Promise<void>;
}

/** Retries of one call before the activity fails and Temporal retries with a longer backoff. */
const CALL_RETRIES = 2;

/** Posts over a pool of kept-alive connections. */
export function createMlHttp({
  url,
  timeoutSeconds,
  connections,
  pauseMs,
}: {
  url: string;
  timeoutSeconds: number;
  connections: number;
  pauseMs: number;
}): MlHttp {
  const { origin, pathname } = new URL(url);
  const basePath = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    connect: { timeout: 2000 },
  });
  const retries = retry(handleType(MlApiUnavailableError), {
    maxAttempts: CALL_RETRIES,
    backoff: new ExponentialBackoff({ initialDelay: pauseMs }),
  });

  const postOnce = (path: string, payload: unknown, signal: AbortSignal): Promise<MlResponse> =>
    abortable([signal], async (call) => {
      const timeout = setTimeout(
        () => call.abort(new Error(`no answer in ${timeoutSeconds} s`)),
        timeoutSeconds * 1000,
      );
      try {
        const { statusCode: status, body } = await pool.request({
          method: 'POST',
          path: `${basePath}${path}`,
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify(payload),
          signal: call.signal,
        });
        return { path, status, body: await body.text() };
      } catch (error) {
        signal.throwIfAborted();
        const { message } = (call.signal.aborted ? call.signal.reason : error) as Error;
        const Unanswered = isConnectionLost(error) ? ConnectionLostError : MlApiUnavailableError;
        throw new Unanswered(`ML API ${path}: ${message}`, { cause: error });
      } finally {
        clearTimeout(timeout);
      }
    });

  return {
    post: (path, payload, read, signal) =>
      retries.execute(async () => read(await postOnce(path, payload, signal))),
    close: () => pool.close(),
  };
}

/** An open connection closed before the answer. A service that does not run refuses the connection, which is another error. */
const isConnectionLost = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(error.code));
