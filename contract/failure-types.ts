/**
 * Types of the application failures that workflows and activities throw. Callers, retry policies and operators tell failures
 * apart by these names; docs/errors.md lists the same.
 */
export const failureTypes = {
  /** Input of a workflow, update or activity is not valid. The message names what was given and what is accepted. */
  invalidInput: 'InvalidInput',
  /** Some parts of a warm failed. The details hold the report of the other parts. */
  warmIncomplete: 'WarmIncomplete',
  /** The Silver tables do not have the expected columns. A retry does not help: the lakehouse must change. */
  sourceSchemaMismatch: 'SourceSchemaMismatch',
  /** Trino refuses to read the Silver tables. A retry does not help: the lakehouse must change. */
  sourceUnreadable: 'SourceUnreadable',
  /** The lakehouse returned no rows, or a table lost all its rows. The cached keys stay. */
  emptyRead: 'EmptyRead',
  /** The lakehouse returned far fewer rows than at the last warm. The cached keys stay. */
  implausiblyShrunk: 'ImplausiblyShrunk',
  /** A load changed the files of a table during every attempt to read it. The cached keys stay. */
  sourceChanging: 'SourceChanging',
  /** Redis is at maxmemory and evicts nothing. A retry does not help. */
  redisFull: 'RedisFull',
  /** Redis is a read-only replica. Retried, since a failover may be in progress. */
  redisReadOnly: 'RedisReadOnly',
  /** The program itself failed, such as a TypeError. A retry does not help. */
  programError: 'ProgramError',
  /** A seek or another update of a loop failed, or did not apply to every partition. The update fails; the loop continues. */
  updateFailed: 'UpdateFailed',
} as const;
