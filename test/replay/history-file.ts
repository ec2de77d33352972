import protos from '@temporalio/proto';

const { History } = protos.temporal.api.history.v1;
type History = protos.temporal.api.history.v1.IHistory;

/** What tells of the machine it was recorded on. (Not `sdkMetadata`: its flags tell replay how strictly to look.) */
const TOLD = new Set(['identity', 'stackTrace', 'binaryChecksum', 'requestId']);

/**
 * A history as plain JSON, and back. The SDK's own historyToJSON of 1.24 throws where npm installs protobufjs twice,
 * as it does beside another package that needs an older one.
 */
export const historyToObject = (history: History): object =>
  scrubbed(
    History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String }),
  ) as object;

export const historyFromObject = (json: object): History => History.fromObject(json);

function scrubbed(value: unknown): unknown {
  // Sticky task queues are named after process and host.
  if (typeof value === 'string') return value.replace(/^\d+@.*/, 'worker');
  if (Array.isArray(value)) return value.map(scrubbed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !TOLD.has(name))
      .map(([name, inner]) => [name, scrubbed(inner)]),
  );
}
