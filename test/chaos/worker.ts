import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createScoringActivities } from '../../activities/index.ts';
import { reportRangesTogether } from '../../activities/scoring/report-together.ts';
import { createLookupCache } from '../../clients/lakehouse/lookup-cache.ts';
import { createKafkaClient } from '../../clients/kafka/client.ts';
import { createLongPoll } from '../../clients/kafka/long-poll.ts';
import { createOffsets } from '../../clients/kafka/offsets.ts';
import { createRangeReader } from '../../clients/kafka/range-reader.ts';
import { createTransactions } from '../../clients/kafka/transactions.ts';
import { createLakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { createSilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import { createTrino } from '../../clients/lakehouse/trino.ts';
import { connectRedis } from '../../clients/redis.ts';
import { createMlApi } from '../../clients/ml-api.ts';
import { connectTemporal } from '../../clients/temporal/connect.ts';
import { loadConfig } from '../../config/config.ts';
import { formatSchemaProblem } from '../../domain/schema/silver-tables.ts';
import { SCORING_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import { faultyClients } from './decorators.ts';
import { createFaultInjector } from './fault-injector.ts';
import { positionBeforeFence, randomTransactionalId, withoutRedisGuard } from './sabotage.ts';
import { tappedSockets } from './tapped-socket.ts';
import { workerOrders } from './worker-orders.ts';

/**
 * A worker of the scoring task queue as workers/main.ts makes it, but for clients that let faults happen. Its orders come
 * in the environment; what happens, it tells its parent, line by line, and it ends when the parent does.
 */
const orders = workerOrders(process.env);
const config = loadConfig(process.env);
const tell = (what: string) => void process.stdout.write(`${what}\n`);
process.once('disconnect', () => process.exit());

const faults = createFaultInjector(orders.fault, tell, () => once(process, 'message').then(() => undefined));
const faulty = faultyClients(faults);

const kafka = createKafkaClient(config.KAFKA_BROKERS, 'chaos-worker', () => {}, tappedSockets(faults));
let positions = createOffsets(kafka);
let transactions = createTransactions(kafka);
if (orders.sabotage === 'position-before-fence')
  ({ positions, transactions } = positionBeforeFence(positions, transactions, faults));
else positions = faulty.positions(positions);
if (orders.sabotage === 'random-transactional-id') transactions = randomTransactionalId(transactions);

let redis = await connectRedis(config.REDIS_URL, 'work', { onError: () => {} });
if (orders.sabotage === 'no-redis-guard') redis = withoutRedisGuard(redis);

const trino = createTrino({
  url: config.TRINO_URL,
  user: config.TRINO_USER,
  password: config.TRINO_PASSWORD,
  queryTimeoutSeconds: config.TRINO_QUERY_TIMEOUT_SECONDS,
});
const place = { catalog: config.TRINO_CATALOG, schema: config.TRINO_SCHEMA };
const lakehouse = createLakehouse(trino, createSilverCatalog(trino, place, formatSchemaProblem));
const enrich = { deadlineMs: config.SCORING_ENRICH_DEADLINE_MS, onError: () => {} };

const activities = createScoringActivities({
  draining: new AbortController().signal,
  offsets: positions,
  longPoll: createLongPoll(kafka),
  transactions: faulty.transactions(transactions, tell),
  reader: faulty.reader(createRangeReader(kafka)),
  lookUpFeatures: faulty.known(
    createLookupCache(
      (ids) => lakehouse.trustFeatures(ids),
      ({ kol_id }) => kol_id,
      enrich,
    ),
  ),
  lookUpContent: faulty.known(
    createLookupCache(
      (ids) => lakehouse.contentById(ids),
      ({ content_id }) => content_id,
      enrich,
    ),
  ),
  mlApi: faulty.mlApi(
    createMlApi({
      url: config.ML_API_URL,
      timeoutSeconds: config.ML_API_TIMEOUT_SECONDS,
      concurrency: config.ML_API_CONCURRENCY,
    }),
  ),
  redis: faulty.redis(redis),
  worker: `chaos/${randomUUID()}`,
});

/** Tells when an attempt at a range is over, also one that nobody waits for any more. */
async function scoreRange(...args: Parameters<typeof activities.scoreRange>) {
  const [{ partition, from, to }] = args;
  const range = `${partition}/[${from}, ${to})`;
  try {
    const report = await activities.scoreRange(...args);
    tell(`attempt ended ${range}: ${report.committedNow ? 'committed' : 'nothing to do'}`);
    return report;
  } catch (error) {
    tell(`attempt ended ${range}: ${String(error)}`);
    throw error;
  }
}

const temporal = await connectTemporal(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE);
Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS }),
  namespace: config.TEMPORAL_NAMESPACE,
  taskQueue: SCORING_TASK_QUEUE,
  activities: reportRangesTogether(temporal, { ...activities, scoreRange }),
  // A loop plans a backlog in a local activity, which runs where the workflow does.
  enableNonLocalActivities: orders.does !== 'workflows',
  ...(orders.does !== 'activities' && { workflowBundle: { codePath: orders.workflowBundle } }),
  ...(orders.slots !== undefined && { maxConcurrentActivityTaskExecutions: orders.slots }),
  // A stopped process still holds its polls, and each swallows a task; few are enough here.
  maxConcurrentActivityTaskPolls: orders.slots === 1 ? 1 : 2,
  maxConcurrentWorkflowTaskPolls: 2,
  // A killed worker's workflow goes to another one after this long.
  stickyQueueScheduleToStartTimeout: '1 second',
});
const running = worker.run();
tell('ready');
await running;
