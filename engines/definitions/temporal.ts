import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes.ts';

export const NAMESPACE = 'default';

/** The server's command line uses other names for these types than its API. */
const TYPE_NAMES = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList' } as const;

// The development server has one history shard. By default it polls that shard 20 times per second, which delays each task by up to
// 50 ms. A cluster has many shards and does not need these settings. docker-compose.yml sets the same values.
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'system.enableActivityEagerExecution': true,
} as const;

interface TemporalOptions {
  readonly executable: string;
  readonly port: number;
  readonly uiPort: number;
  /** Whether workflows are stored on disk; otherwise the server keeps them in memory. */
  readonly durable: boolean;
  /** History events after which the server suggests continue-as-new; its own default is 4,096. */
  readonly continueAsNewAt?: number | undefined;
}

/** The Temporal development server and its UI. */
export function temporalProcess(options: TemporalOptions, paths: StackPaths): ProcessSpec {
  const data = paths.data('temporal');
  const repeatFlag = (flag: string, values: Record<string, string | number | boolean>) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  return {
    name: 'temporal',
    title: 'Temporal',
    command: options.executable,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'error'],
      ...['--port', String(options.port), '--ui-port', String(options.uiPort), '--namespace', NAMESPACE],
      ...(options.durable ? ['--db-filename', join(data, 'temporal.db')] : []),
      ...repeatFlag('--dynamic-config-value', {
        ...DYNAMIC_CONFIG,
        ...(options.continueAsNewAt && {
          'limit.historyCount.suggestContinueAsNew': options.continueAsNewAt,
        }),
      }),
      ...repeatFlag(
        '--search-attribute',
        Object.fromEntries(Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPE_NAMES[type]])),
      ),
    ],
    startSeconds: 60,
    stopSeconds: 15,
    prepare: async () => {
      await mkdir(data, { recursive: true });
    },
    isReady: () => isTemporalReady(`127.0.0.1:${options.port}`, NAMESPACE),
  };
}

/** @returns true when the server knows the namespace @throws Error with the reason when it does not */
export async function isTemporalReady(address: string, namespace: string): Promise<boolean> {
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
