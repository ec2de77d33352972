import type { OnInvalid } from '../../domain/schema/field.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import type { UnreadableColumn } from './silver-source.ts';

/** Options of one read of the lakehouse. */
export interface ReadOptions {
  /** Snapshots to read instead of the current ones. For tables of another kind, the current state is read. */
  readonly versions?: TableVersions | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Set when a read needs longer than the default timeout of queries. */
  readonly timeoutSeconds?: number | undefined;
  /** Called for a column of the read that cannot be read. It is unknown in each row. */
  readonly onUnreadable?: (column: UnreadableColumn) => void;
  /** Called for a cell that breaks the contract (docs/contract.md). It counts as unknown; the rest of its row is used. */
  readonly onInvalid?: OnInvalid;
  /** Called for a row without an id. The row is skipped. */
  readonly onRejected?: (reason: string) => void;
}
