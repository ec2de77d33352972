import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClients } from '../clients/create-clients.ts';
import { createLogger, type Logger } from '../clients/logger.ts';
import { loadConfigOrExit, type Config } from '../config/config.ts';
import { createApp } from './app.ts';
import { createHttpServer, listen } from './create-http-server.ts';
import { apiProfile, createDependencies } from './dependencies.ts';
import { untilStopping } from './readiness.ts';

/** A request that starts at the end of the drain gets its answer at its deadline at the latest, plus this time to send it. */
const SEND_SECONDS = 3;
const CLOSE_IDLE_MS = 100;

async function serve(config: Config, log: Logger): Promise<void> {
  const clients = createClients(config, apiProfile(config), log);
  const { close, answerReady, ...dependencies } = await createDependencies(config, clients, log);
  const stopping = new AbortController();
  const readiness = untilStopping(dependencies.readiness, stopping.signal);
  const closing = new AbortController();
  const app = createApp({ ...dependencies, readiness, closing: closing.signal });
  const server = createHttpServer(app, { answerReady, stopping: stopping.signal });
  try {
    const { address, port } = await listen(server, config.API_PORT, config.API_HOST);
    log.info({ address, port }, 'listening');
    const [signal] = (await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])) as [string];
    log.info({ signal }, 'stopping');
    stopping.abort();
    await sleep(config.API_DRAIN_SECONDS * 1000); // load balancers see /readyz with 503, and send no more requests
    const stopped = once(server, 'close');
    closing.abort();
    server.close(); // accept no new connections, close idle ones, wait for the rest
    // A keep-alive connection becomes idle after its last answer, but Node closes idle connections only once.
    const closeIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS);
    const stopSeconds = config.API_DEADLINE_SECONDS + SEND_SECONDS;
    setTimeout(() => server.closeAllConnections(), stopSeconds * 1000).unref();
    await stopped;
    clearInterval(closeIdle);
    log.info('stopped');
  } finally {
    await close();
    await clients.close();
  }
}

const config = loadConfigOrExit();
const log = createLogger('api', config.LOG_LEVEL, { buffered: true });
try {
  await serve(config, log);
} catch (error) {
  process.exitCode = 1;
  log.fatal({ error }, 'the API failed');
}
// A hanging poll of Trino cannot be aborted and would keep the process alive.
process.exit();
