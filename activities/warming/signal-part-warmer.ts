import type { Client } from '@temporalio/client';
import { signalPartWarmer } from '../../clients/temporal/signal-part-warmer.ts';
import type { WarmRequest } from '../../contract/warm-cache.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';

export interface SignalPartWarmerArgs {
  readonly part: WarmPart;
  readonly request: WarmRequest;
}

/** A workflow cannot signal with start, so an activity does it for `warmCache`. */
export const createSignalPartWarmer =
  ({ temporal }: { temporal: Client }) =>
  ({ part, request }: SignalPartWarmerArgs): Promise<void> =>
    signalPartWarmer(temporal, part, request);
