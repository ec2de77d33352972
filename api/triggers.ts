import { ServiceError, type Client } from '@temporalio/client';
import { TemporalUnavailableError } from '../clients/temporal/connect.ts';
import type { EtlLoad } from '../domain/warming/etl-load.ts';
import type { EtlRunSelector } from '../domain/warming/load-memory.ts';
import { readEtlLoads, readEtlRun, signalEtlLoad } from '../clients/temporal/signal-etl-load.ts';
import { readWarm, type WarmStatus } from '../clients/temporal/read-warm.ts';
import { startWarm, type ManualWarm } from '../clients/temporal/start-warm.ts';
import type { EtlLoadsState, EtlRunStatus } from '../contract/etl-loads.ts';

/** The calls of the API to Temporal. All throw TemporalUnavailableError. */
export interface Triggers {
  signalEtlLoad(load: EtlLoad): Promise<{ readonly workflowId: string }>;
  readEtlLoads(): Promise<EtlLoadsState | null>;
  readEtlRun(run: EtlRunSelector): Promise<EtlRunStatus | null>;
  startWarm(args: ManualWarm): Promise<{ readonly workflowId: string }>;
  readWarm(id: string): Promise<WarmStatus | null>;
}

/** Limit for a call, because a client waits for the answer. */
const CALL_SECONDS = 5;

export function createTriggers(temporal: Client, address: string): Triggers {
  async function withTimeout<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await temporal.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
    } catch (error) {
      if (error instanceof ServiceError) throw new TemporalUnavailableError(address, { cause: error });
      throw error;
    }
  }
  return {
    signalEtlLoad: (load) => withTimeout(() => signalEtlLoad(temporal, load)),
    readEtlLoads: () => withTimeout(() => readEtlLoads(temporal)),
    readEtlRun: (run) => withTimeout(() => readEtlRun(temporal, run)),
    startWarm: (args) => withTimeout(() => startWarm(temporal, args)),
    readWarm: (id) => withTimeout(() => readWarm(temporal, id)),
  };
}
