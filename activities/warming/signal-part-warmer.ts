import type { Client } from '@temporalio/client';
import { signalPartWarmer } from '../../clients/temporal/signal-part-warmer.ts';
import type { WarmRequest } from '../../contract/part-warmer.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';

export interface SignalPartWarmerArgs {
  readonly part: WarmPart;
  readonly request: WarmRequest;
}

/** Sends a request to a part warmer for `warmCache`: a workflow itself cannot signal with start. */
export const createSignalPartWarmer =
  ({ temporal }: { temporal: Client }) =>
  ({ part, request }: SignalPartWarmerArgs): Promise<void> =>
    signalPartWarmer(temporal, part, request);
