import { messageOf } from '../../domain/values/message-of.ts';

/** A failure that did not stop a read: the caller still gets its answer. */
export interface ReadProblem {
  readonly entity: string;
  readonly key: string;
  readonly step:
    | 'look-up'
    | 'decode'
    | 'known-ids'
    | 'source-version'
    | 'shrink-check'
    | 'stale'
    | 'lease'
    | 'fill'
    | 'refresh';
  readonly reason: string;
}

export type ReportProblem = (key: string, step: ReadProblem['step'], error: unknown) => void;

/** Reports failures of the reads of one entity. */
export const createProblemReporter =
  (entity: string, onProblem: (problem: ReadProblem) => void): ReportProblem =>
  (key, step, error) =>
    onProblem({ entity, key, step, reason: messageOf(error) });
