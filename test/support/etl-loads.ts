import type { Client } from '@temporalio/client';
import type { WarmActivities } from '../../activities/index.ts';
import { readEtlLoads } from '../../clients/temporal/signal-etl-load.ts';
import { partWarmedSignal } from '../../contract/messages.ts';
import { ETL_LOADS_ID } from '../../contract/workflow-ids.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import type { WarmScope } from '../../domain/warming/warm-scope.ts';
import type { Answer } from './api.ts';
import type { testDependencies } from './dependencies.ts';
import { reportOf } from './part-report.ts';
import { until } from './until.ts';

/** Ends the receiver of loads. It stays open for a day after the last load, and each test needs a new one. */
export const endReceiver = (temporal: Client) =>
  temporal.workflow
    .getHandle(ETL_LOADS_ID)
    .terminate('the test has ended')
    .catch(() => {});

export async function isReceiverRunning(temporal: Client): Promise<boolean> {
  const receiver = await temporal.workflow
    .getHandle(ETL_LOADS_ID)
    .describe()
    .catch(() => null);
  return receiver?.status.name === 'RUNNING';
}

/** Waits until the receiver has accepted this many loads and their warms have ended. */
export const untilServed = (temporal: Client, loads: number) =>
  until('the loads are served', async () => {
    const state = await readEtlLoads(temporal);
    return state?.taken === loads && state.waiting.loads === 0 && state.lastWarm?.endedAt != null;
  });

/** Activities whose part warmers report an outcome immediately; `requests` lists the warms that were requested. */
export function recordRequests(
  dependencies: Awaited<ReturnType<typeof testDependencies>>,
  failingParts: readonly WarmPart[] = [],
) {
  const requests: { part: WarmPart; scope: WarmScope | undefined; requestedBy: string }[] = [];
  const activities: WarmActivities = {
    ...dependencies.activities.warm,
    signalPartWarmer: async ({ part, request: { replyTo, runId, scope } }) => {
      requests.push({ part, scope, requestedBy: replyTo });
      const result = failingParts.includes(part) ? { error: 'no rows' } : { report: reportOf(part) };
      await dependencies.temporal.workflow
        .getHandle(replyTo, runId)
        .signal(partWarmedSignal, { part, runId, ...result });
    },
  };
  return { activities, requests };
}

export const LOADS = '/api/v1/etl/loads';
export const WARMS = '/api/v1/warms';
export const TOKEN = 'a-token-of-these-tests';

/** Sends a request with the token, like a pipeline. A body that is text is sent unchanged, any other as JSON. */
export async function sendRequest(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: (text === '' ? {} : JSON.parse(text)) as Answer['json'],
  };
}
