/** The model refuses the lakehouse's features of this KOL; a retry does not help. */
export class ScoreRefusedError extends Error {
  readonly code = 'SCORE_REFUSED';
  constructor(
    readonly kolId: string,
    reason: string,
  ) {
    super(`The model refused to score ${kolId}: ${reason}`);
    this.name = 'ScoreRefusedError';
  }
}
