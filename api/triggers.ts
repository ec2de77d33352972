import { ServiceError, type Client } from '@temporalio/client';
import { TemporalUnavailableError } from '../clients/temporal/connect.ts';
import type { EtlLoad } from '../domain/warming/etl-load.ts';
import { readEtlLoads, signalEtlLoad } from '../clients/temporal/signal-etl-load.ts';
import { readWarm, startWarm, type WarmStatus, type ManualWarm } from '../clients/temporal/start-warm.ts';
import type { EtlLoadsState } from '../workflows/warming/etl-loads.ts';

/** What the API hands to Temporal, and what it can tell of it. All throw TemporalUnavailableError. */
export interface Triggers {
  etlLoad(load: EtlLoad): Promise<{ readonly workflowId: string }>;
  etlLoads(): Promise<EtlLoadsState | null>;
  startWarm(args: ManualWarm): Promise<{ readonly workflowId: string }>;
  warm(id: string): Promise<WarmStatus | null>;
}

/** A client waits for the answer: what takes this long is stuck. */
const CALL_SECONDS = 5;

export function createTriggers(temporal: Client, address: string): Triggers {
  async function bounded<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await temporal.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
    } catch (error) {
      if (error instanceof ServiceError) throw new TemporalUnavailableError(address, { cause: error });
      throw error;
    }
  }
  return {
    etlLoad: (load) => bounded(() => signalEtlLoad(temporal, load)),
    etlLoads: () => bounded(() => readEtlLoads(temporal)),
    startWarm: (args) => bounded(() => startWarm(temporal, args)),
    warm: (id) => bounded(() => readWarm(temporal, id)),
  };
}
