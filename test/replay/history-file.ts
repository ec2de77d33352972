import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import protos from '@temporalio/proto';

const { History } = protos.temporal.api.history.v1;
type History = protos.temporal.api.history.v1.IHistory;

export const historiesFolder = fileURLToPath(new URL('./histories/', import.meta.url));

/** A recorded history as its file has it. */
export interface RecordedHistory {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes?: { readonly workflowType: { readonly name: string } };
  }[];
}

/** Fields that name the machine of the recording. (Not `sdkMetadata`: replay needs its flags.) */
const OMITTED_FIELDS = new Set(['identity', 'stackTrace', 'binaryChecksum', 'requestId']);

/** Writes the history of a workflow, one event a line, so that a diff shows which events changed. */
export async function writeHistory(
  name: string,
  workflow: Pick<WorkflowHandle, 'fetchHistory'>,
): Promise<void> {
  const { events } = historyToObject(await workflow.fetchHistory());
  const lines = events.map((event) => `  ${JSON.stringify(event)}`).join(',\n');
  await writeFile(`${historiesFolder}${name}.json`, `{"events": [\n${lines}\n]}\n`);
  console.log(`recorded ${name}: ${events.length} events`);
}

/** All recorded histories by name. */
export const readHistories = (): { readonly name: string; readonly history: RecordedHistory }[] =>
  readdirSync(historiesFolder).map((file) => ({
    name: file.replace('.json', ''),
    history: JSON.parse(readFileSync(`${historiesFolder}${file}`, 'utf8')) as RecordedHistory,
  }));

/**
 * A history as plain JSON. The SDK's own historyToJSON of 1.24 throws when npm installs protobufjs twice, which happens when
 * another package needs an older version.
 */
const historyToObject = (history: History): RecordedHistory =>
  withoutMachine(
    History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String }),
  ) as RecordedHistory;

export const historyFromObject = (json: object): History => History.fromObject(json);

function withoutMachine(value: unknown): unknown {
  // Sticky task queues are named after process and host.
  if (typeof value === 'string') return value.replace(/^\d+@.*/, 'worker');
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !OMITTED_FIELDS.has(name))
      .map(([name, inner]) => [name, withoutMachine(inner)]),
  );
}
