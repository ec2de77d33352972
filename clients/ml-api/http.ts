import { ExponentialBackoff, handleType, retry } from 'cockatiel';
import { Pool } from 'undici';
import { abortable } from '../../domain/values/abortable.ts';
import { ConnectionLostError, MlApiUnavailableError, NoAnswerError } from './unavailable-error.ts';

export interface MlResponse {
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

interface PostOptions {
  readonly signal: AbortSignal;
  /** Whether a call that is not answered in time is repeated. By default it is. */
  readonly repeatsUnanswered?: boolean;
}

interface MlHttp {
  /**
   * Posts JSON and returns what `read` makes of the response. A call without response is repeated, and so is a call whose
   * response makes `read` throw MlApiUnavailableError.
   * @throws MlApiUnavailableError, ConnectionLostError and NoAnswerError among them, and the signal's reason
   */
  post<T>(
    path: string,
    payload: unknown,
    read: (response: MlResponse) => T,
    options: PostOptions,
  ): Promise<T>;
  /** Lets pending calls finish, then closes the connections. */
  close(): Promise<void>;
}

/** Retries of one call before the activity fails and Temporal retries with a longer backoff. */
const CALL_RETRIES = 2;

/** The answer to a batch has some kilobytes. A gateway that streams without end must not fill the memory. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/** Where the service is, and how it is called. */
export interface MlApiOptions {
  readonly url: string;
  readonly timeoutSeconds: number;
  /** How many calls run at the same time, each over its own kept-alive connection. */
  readonly concurrency: number;
  /** The first pause before a call is repeated, in ms; later ones are longer. */
  readonly pauseMs: number;
}

/** Posts over a pool of kept-alive connections. */
export function createMlHttp({ url, timeoutSeconds, concurrency, pauseMs }: MlApiOptions): MlHttp {
  const { origin, pathname } = new URL(url);
  const basePath = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections: concurrency,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    maxResponseSize: MAX_RESPONSE_BYTES,
    connect: { timeout: 2000 },
  });
  const backoff = new ExponentialBackoff({ initialDelay: pauseMs });
  const retriesOf = (repeatsUnanswered: boolean) =>
    retry(
      handleType(MlApiUnavailableError, (error) => repeatsUnanswered || !(error instanceof NoAnswerError)),
      { maxAttempts: CALL_RETRIES, backoff },
    );
  const [retries, retriesOfAnswered] = [retriesOf(true), retriesOf(false)];

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
        const Unavailable = call.signal.aborted
          ? NoAnswerError
          : isConnectionLost(error)
            ? ConnectionLostError
            : MlApiUnavailableError;
        throw new Unavailable(`ML API ${path}: ${message}`, { cause: error });
      } finally {
        clearTimeout(timeout);
      }
    });

  return {
    post: (path, payload, read, { signal, repeatsUnanswered = true }) =>
      (repeatsUnanswered ? retries : retriesOfAnswered).execute(async () =>
        read(await postOnce(path, payload, signal)),
      ),
    close: () => pool.close(),
  };
}

/** An open connection closed before the answer. A service that does not run refuses the connection, which is another error. */
const isConnectionLost = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(error.code));
