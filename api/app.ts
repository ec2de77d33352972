import express, { type Express, type RequestHandler } from 'express';
import type { CacheReader } from '../cache/reading/cache-reader.ts';
import type { Logger } from '../clients/logger.ts';
import { logRequests } from './log-requests.ts';
import { noStore } from './no-store.ts';
import { answerProblem, routeNotFound } from './problem.ts';
import type { Readiness } from './readiness.ts';
import { requireToken } from './require-token.ts';
import { contentRoutes } from './routes/content.ts';
import { etlRoutes } from './routes/etl.ts';
import { healthRoutes } from './routes/health.ts';
import { kolRoutes } from './routes/kols.ts';
import { statsRoutes } from './routes/stats.ts';
import { warmRoutes } from './routes/warms.ts';
import { securityHeaders } from './security-headers.ts';
import type { Triggers } from './triggers.ts';

export interface AppDependencies {
  readonly reader: CacheReader;
  readonly readiness: Readiness;
  readonly log: Logger;
  /** The lengths in which rankings are cached (WARM_RANKING_LIMITS). */
  readonly rankingLimits: readonly number[];
  readonly triggers: Triggers;
  /** Bearer token of the triggers. Without a token the triggers are off. */
  readonly token: string | undefined;
}

/** The REST API as an Express app. The caller listens. */
export function createApp({
  reader,
  readiness,
  log,
  rankingLimits,
  triggers,
  token,
}: AppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.enable('case sensitive routing'); // ids are case sensitive: /kols/TOP is a KOL, /kols/top a ranking

  app.use(logRequests(log), securityHeaders);
  app.get('/', (_request, response) => {
    response.json(index);
  });
  app.use('/', healthRoutes(readiness));
  app.use('/api/v1/kols', kolRoutes(reader, rankingLimits));
  app.use('/api/v1/content', contentRoutes(reader));
  app.use('/api/v1/stats', statsRoutes(reader));
  const triggerGuards: RequestHandler[] = [requireToken(token), noStore];
  app.use('/api/v1/etl', triggerGuards, etlRoutes(triggers));
  app.use('/api/v1/warms', triggerGuards, warmRoutes(triggers));
  app.use(routeNotFound, answerProblem);
  return app;
}

const index = {
  name: 'kol-cache',
  links: {
    top: '/api/v1/kols/top{?platform,by,limit,expand}',
    profile: '/api/v1/kols/{id}',
    score: '/api/v1/kols/{id}/score',
    trending: '/api/v1/content/trending{?platform,limit,expand}',
    content: '/api/v1/content/{id}',
    stats: '/api/v1/stats',
    etl_loads: '/api/v1/etl/loads{/id}{?pipeline,wait}',
    warms: '/api/v1/warms{/id}',
    health: '/healthz',
    readiness: '/readyz',
  },
};
