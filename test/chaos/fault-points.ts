/** Moments between the steps of a batch. Decorators around the clients pass them. */
const STEP_POINTS = [
  'after-fence',
  'after-offset',
  'after-read',
  'after-features',
  'after-model',
  'after-cache',
  'after-commit',
] as const;
type StepPoint = (typeof STEP_POINTS)[number];

/** The requests of a transaction in the order in which they are sent, with their API keys in the Kafka protocol. */
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
 * Moments on the wire: before a request is sent, and when its reply has arrived but the client has not seen it. Then the broker
 * has carried out the request and the client does not know.
 */
type WirePoint = `before-${TransactionRequest}` | `unseen-${TransactionRequest}`;
const WIRE_POINTS = (Object.keys(TRANSACTION_REQUESTS) as TransactionRequest[]).flatMap(
  (request): WirePoint[] => [`before-${request}`, `unseen-${request}`],
);

/** The scores were sent to Redis, and the client has not seen the reply. */
type RedisPoint = 'unseen-cache';

export type Point = StepPoint | WirePoint | RedisPoint;
export const POINTS: readonly Point[] = [...STEP_POINTS, ...WIRE_POINTS, 'unseen-cache'];

/**
 * What happens at a point. `kill`: the worker gets SIGKILL. `cut`: its connections to Kafka and Redis are closed. `silence`: the
 * connection stays open and the reply is lost. `hang`: the whole process gets SIGSTOP until it is resumed. `wait`: only this
 * attempt waits until it is resumed.
 */
export const ACTIONS = ['kill', 'cut', 'silence', 'hang', 'wait'] as const;
export type Action = (typeof ACTIONS)[number];

/** Ways to break the design on purpose. The check must notice each. */
export const SABOTAGES = ['offset-before-fence', 'no-redis-guard', 'random-transactional-id'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** A fault that happens once over all processes that share the marker. */
export interface Fault {
  readonly point: Point;
  readonly action: Action;
  /** Times that the point is passed before the fault happens. */
  readonly skip: number;
  /** A file that exists once the fault has happened. */
  readonly marker: string;
}
