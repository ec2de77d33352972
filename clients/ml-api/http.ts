import {
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleType,
  isBrokenCircuitError,
  retry,
  wrap,
} from 'cockatiel';
import { Pool } from 'undici';
import { MlApiUnavailableError } from './unavailable-error.ts';

/** A response that is not worth a retry: a success or a client error. */
interface MlResponse {
  readonly status: number;
  readonly body: string;
}

interface MlHttp {
  /** Posts JSON, with retries and a circuit breaker. @throws MlApiUnavailableError, and the signal's reason */
  post(path: string, payload: unknown, signal?: AbortSignal): Promise<MlResponse>;
  /** Lets pending calls finish, then closes the connections. */
  close(): Promise<void>;
}

/** Retries of one call before the activity fails and Temporal retries with a longer backoff. */
const CALL_RETRIES = 2;
/** After so many failed calls in a row the circuit opens. After this time one call tests the service. */
const BREAKER_FAILURES = 10;
const BREAKER_OPEN_MS = 2000;

/** Posts over a pool of kept-alive connections. */
export function createMlHttp({
  url,
  timeoutSeconds,
  connections,
}: {
  url: string;
  timeoutSeconds: number;
  connections: number;
}): MlHttp {
  const { origin, pathname } = new URL(url);
  const basePath = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    connect: { timeout: 2000 },
  });
  const policy = createRetryPolicy();

  async function postOnce(path: string, payload: unknown, signal?: AbortSignal): Promise<MlResponse> {
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
    try {
      const { statusCode: status, body } = await pool.request({
        method: 'POST',
        path: `${basePath}${path}`,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(payload),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      const response = { status, body: await body.text() };
      if (status !== 200 && !isClientError(status) && !isMissingEndpoint(status))
        throw new MlApiUnavailableError(`ML API ${path}: HTTP ${status}`);
      return response;
    } catch (error) {
      if (signal?.aborted || error instanceof MlApiUnavailableError) throw error;
      const reason = timeout.aborted ? `no answer in ${timeoutSeconds} s` : (error as Error).message;
      throw new MlApiUnavailableError(`ML API ${path}: ${reason}`, { cause: error });
    }
  }

  return {
    async post(path, payload, signal) {
      try {
        return await policy.execute(() => postOnce(path, payload, signal));
      } catch (error) {
        if (!isBrokenCircuitError(error)) throw error;
        throw new MlApiUnavailableError(
          `ML API ${path}: not called, the circuit is open for ${BREAKER_OPEN_MS / 1000} s after ${BREAKER_FAILURES} failures in a row`,
        );
      }
    },
    close: () => pool.close(),
  };
}

function createRetryPolicy() {
  const unavailable = handleType(MlApiUnavailableError);
  return wrap(
    retry(unavailable, { maxAttempts: CALL_RETRIES, backoff: new ExponentialBackoff({ initialDelay: 50 }) }),
    circuitBreaker(unavailable, {
      halfOpenAfter: BREAKER_OPEN_MS,
      breaker: new ConsecutiveBreaker(BREAKER_FAILURES),
    }),
  );
}

/** Whether the deployment does not have the endpoint. */
export const isMissingEndpoint = (status: number) => status === 404 || status === 405 || status === 501;

/** Whether the request itself is wrong: every 4xx but the temporary 408 and 429. */
export const isClientError = (status: number) =>
  status >= 400 && status < 500 && status !== 408 && status !== 429;
