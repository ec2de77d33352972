/** Moments between the steps of a range, reached by decorators around the clients. */
export const STEP_POINTS = [
  'after-fence',
  'after-position',
  'after-read',
  'after-features',
  'after-model',
  'after-cache',
  'after-commit',
] as const;
export type StepPoint = (typeof STEP_POINTS)[number];

/** Requests of one transaction in the order in which they go out, with their numbers in the Kafka protocol. */
export const TRANSACTION_REQUESTS = {
  'init-producer-id': 22,
  'add-partitions': 24,
  produce: 0,
  'add-offsets': 25,
  'txn-offset-commit': 28,
  'end-txn': 26,
} as const;
export type TransactionRequest = keyof typeof TRANSACTION_REQUESTS;

/**
 * Moments on the wire: before a request leaves, and when its reply has come but nobody has seen it, so that the broker
 * has done what was asked for and the client does not know.
 */
export type WirePoint = `before-${TransactionRequest}` | `unseen-${TransactionRequest}`;
export const WIRE_POINTS = (Object.keys(TRANSACTION_REQUESTS) as TransactionRequest[]).flatMap(
  (request): WirePoint[] => [`before-${request}`, `unseen-${request}`],
);

/** Redis has been sent the scores, and its reply is not read. */
export type RedisPoint = 'unseen-cache';

export type Point = StepPoint | WirePoint | RedisPoint;
export const POINTS: readonly Point[] = [...STEP_POINTS, ...WIRE_POINTS, 'unseen-cache'];

/**
 * What happens at a point: `kill` is kill -9 of the worker; `cut` ends its connections to Kafka and Redis; `silence` keeps
 * the connection and loses the reply; `hang` stops the whole process until it is continued; `wait` holds up this attempt
 * only, until it is told to go on.
 */
export const ACTIONS = ['kill', 'cut', 'silence', 'hang', 'wait'] as const;
export type Action = (typeof ACTIONS)[number];

/** Ways to break the design on purpose, to see that the checker notices. */
export const SABOTAGES = ['position-before-fence', 'no-redis-guard', 'random-transactional-id'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** One thing that goes wrong, once in the lifetime of all processes that share the marker. */
export interface Fault {
  readonly point: Point;
  readonly action: Action;
  /** How many times the point is passed before. */
  readonly skip: number;
  /** File that exists once it has happened. */
  readonly marker: string;
}
