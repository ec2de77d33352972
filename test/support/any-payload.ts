import type { WorkflowHandle } from '@temporalio/client';
import { RawValue } from '@temporalio/common';
import * as fc from 'fast-check';

const bytes = (text: string) => new TextEncoder().encode(text);
const payload = (encoding: string, data: Uint8Array) =>
  RawValue.fromPayload({ metadata: { encoding: bytes(encoding) }, data });

/** What another client can send as one argument: JSON, text that is no JSON, and encodings that nobody here knows. */
const anyPayload = fc.oneof(
  fc.jsonValue().map((value) => new RawValue(value)),
  fc.constantFrom('json/plain', 'binary/encrypted', '').map((encoding) => payload(encoding, bytes('{"a"'))),
  fc.constant(RawValue.fromPayload({ data: bytes('{}') })),
);

/** Lists of arguments: none, one, or several. The same ones each time, so that a failure can be repeated. */
export const anyArguments = (count: number): unknown[][] =>
  fc.sample(fc.array(anyPayload, { maxLength: 3 }), { numRuns: count, seed: 1 });

/** Sends signals, one after the other. */
export async function sendSignals(
  handle: WorkflowHandle,
  { name }: { readonly name: string },
  messages: unknown[][],
): Promise<void> {
  for (const args of messages) await handle.signal(name, ...args);
}

/** Failures of workflow tasks. A task that fails is repeated forever, and the workflow does nothing else. */
export async function failedTasks(handle: WorkflowHandle): Promise<unknown[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed ?? []);
}
