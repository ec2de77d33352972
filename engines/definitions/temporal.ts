import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';
import { SEARCH_ATTRIBUTES } from '../../contract/workflow-ids.ts';

export const NAMESPACE = 'default';

/** The server's command line names types otherwise than its API. */
const TYPE_NAMES = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList' } as const;

// The development server has one history shard, polled 20 times a second by default: up to 50 ms a task.
// A cluster with its many shards needs none of this.
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'system.enableActivityEagerExecution': true,
} as const;

export interface TemporalPlace {
  readonly executable: string;
  readonly port: number;
  readonly uiPort: number;
  /** Whether workflows outlive the server; otherwise it keeps them in memory. */
  readonly durable: boolean;
  /** History events after which it suggests to continue as new; 4,096 by default. */
  readonly continueAsNewAt?: number | undefined;
}

/** The Temporal development server with its UI. */
export function temporalProcess(place: TemporalPlace, paths: StackPaths): ProcessSpec {
  const data = paths.data('temporal');
  const pairs = (flag: string, values: Record<string, string | number | boolean>) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  return {
    name: 'temporal',
    title: 'Temporal',
    command: place.executable,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'error'],
      ...['--port', String(place.port), '--ui-port', String(place.uiPort), '--namespace', NAMESPACE],
      ...(place.durable ? ['--db-filename', join(data, 'temporal.db')] : []),
      ...pairs('--dynamic-config-value', {
        ...DYNAMIC_CONFIG,
        ...(place.continueAsNewAt && { 'limit.historyCount.suggestContinueAsNew': place.continueAsNewAt }),
      }),
      ...pairs(
        '--search-attribute',
        Object.fromEntries(Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPE_NAMES[type]])),
      ),
    ],
    startSeconds: 60,
    stopSeconds: 15,
    prepare: async () => {
      await mkdir(data, { recursive: true });
    },
    isReady: () => temporalAnswers(`127.0.0.1:${place.port}`, NAMESPACE),
  };
}

/** @returns true when a Temporal server has this namespace; throws why it does not answer */
export async function temporalAnswers(address: string, namespace: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 2000 });
  try {
    await connection.withDeadline(Date.now() + 5000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return true;
  } finally {
    await connection.close();
  }
}
