import { mkdir } from 'node:fs/promises';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createClients } from '../../clients/create-clients.ts';
import { createLogger } from '../../clients/logger.ts';
import { registerSearchAttributes } from '../../clients/temporal/register-search-attributes.ts';
import { loadConfig, type Config } from '../../config/config.ts';
import { benchStackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { startStack } from '../../engines/start-stack.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { createActivities, workerProfile } from '../../workers/create-activities.ts';
import { createWorkers } from '../../workers/create-workers.ts';
import { bundleWorkflows } from '../../workers/workflow-bundle.ts';
import { startMlService } from '../support/ml-service.ts';
import { historiesFolder } from './history-file.ts';
import { recordEtlLoads } from './record-etl-loads.ts';
import { recordScoring } from './record-scoring.ts';
import { recordWarms } from './record-warms.ts';

/**
 * `npm run record:histories`: runs every workflow on real engines, once for each feature that shapes its history, and writes
 * the histories that histories.test.ts replays. Record again only after a change that running workflows need not survive;
 * after the first release that means a new version of the workflow. Every other change must replay the recorded histories.
 */
Runtime.install({ logger: new DefaultLogger('WARN') });

const stack = await startStack({
  folder: benchStackFolder,
  ports: await freePorts(),
  empty: true,
  // A short history until continue-as-new.
  continueAsNewAt: 150,
  report: console.log,
});
const ml = await startMlService({ latencyMs: 5 });
try {
  const { TRINO_URL: trinoUrl, TRINO_CATALOG: catalog, TRINO_SCHEMA: schema } = stack.addresses;
  await fillLakehouse({ trinoUrl, catalog, schema, report: console.log });
  await record(loadConfig({ ...stack.addresses, ML_API_URL: ml.url, LOG_LEVEL: 'error' }));
} finally {
  await ml.stop();
  await stack.stop();
}
process.exit();

async function record(config: Config): Promise<void> {
  const clients = createClients(config, workerProfile(config), createLogger('record', config.LOG_LEVEL));
  const temporal = await clients.temporal();
  await registerSearchAttributes(temporal.connection, config.TEMPORAL_NAMESPACE);
  const activities = await createActivities(config, clients, new AbortController().signal);
  const workers = await createWorkers(config, activities, {
    connection: await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS }),
    workflowBundle: { code: await bundleWorkflows() },
    shutdownGraceTime: '15 seconds',
  });
  const running = workers.map((worker) => worker.run());
  await mkdir(historiesFolder, { recursive: true });
  await recordWarms(temporal);
  await recordEtlLoads(temporal);
  await recordScoring(temporal, config.KAFKA_BROKERS);
  workers.forEach((worker) => worker.shutdown());
  await Promise.all(running);
  await clients.close();
}
