/** A value is not cached, and the source must not be queried for it. */
export class NotCachedError extends Error {
  readonly code = 'NOT_CACHED';
  constructor(
    readonly entity: string,
    /** What forbids the query: the request, or the `read_through` switch. */
    readonly forbiddenBy: 'request' | 'switch',
  ) {
    super(
      `${entity} is not cached, and ${forbiddenBy === 'request' ? 'the request wants only cached values' : 'read-through is switched off'}`,
    );
    this.name = 'NotCachedError';
  }
}
