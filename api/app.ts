import express, { Router, type Express, type RequestHandler } from 'express';
import type { CacheReader } from '../cache/reading/cache-reader.ts';
import type { Logger } from '../clients/logger.ts';
import type { Config } from '../config/config.ts';
import { logRequests } from './log-requests.ts';
import { noStore } from './no-store.ts';
import { allowOnly } from './allow-only.ts';
import { allowOrigins } from './allow-origins.ts';
import { answerProblem, routeNotFound } from './problem.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { Readiness } from './readiness.ts';
import { requireToken } from './require-token.ts';
import { contentRoutes } from './routes/content.ts';
import { etlRoutes } from './routes/etl.ts';
import { healthRoutes } from './routes/health.ts';
import { kolRoutes } from './routes/kols.ts';
import { scoreRoutes } from './routes/scores.ts';
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
  /** Proxies whose X-Forwarded-For is believed: their number or their addresses. */
  readonly trustProxy: Config['API_TRUST_PROXY'];
  /** Origins whose web pages may call the API. */
  readonly corsOrigins: readonly string[];
  /** Undefined accepts any number of requests. */
  readonly rateLimit: RateLimiter | undefined;
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
  trustProxy,
  corsOrigins,
  rateLimit,
  token,
}: AppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', 'strong');
  app.set('trust proxy', trustProxy);
  app.enable('case sensitive routing'); // ids are case sensitive: /kols/TOP is a KOL, /kols/top a ranking

  app.use(logRequests(log), securityHeaders);
  if (corsOrigins.length > 0) app.use(allowOrigins(corsOrigins));
  if (rateLimit !== undefined) app.use('/api', rateLimit.middleware);
  app.use('/', indexRoutes());
  app.use('/', healthRoutes(readiness));
  app.use('/api/v1/kols', kolRoutes(reader, rankingLimits));
  app.use('/api/v1/content', contentRoutes(reader));
  app.use('/api/v1/scores', scoreRoutes(reader));
  app.use('/api/v1/stats', statsRoutes(reader));
  const triggerGuards: RequestHandler[] = [requireToken(token), noStore];
  app.use('/api/v1/etl', triggerGuards, etlRoutes(triggers));
  app.use('/api/v1/warms', triggerGuards, warmRoutes(triggers));
  app.use(routeNotFound, answerProblem);
  return app;
}

/** The routes, as links. */
function indexRoutes(): Router {
  const router = Router();
  router.get('/', (_request, response) => {
    response.json(index);
  });
  router.all('/', allowOnly('GET'));
  return router;
}

const index = {
  name: 'kol-cache',
  links: {
    top: '/api/v1/kols/top{?platform,by,limit,expand}',
    profile: '/api/v1/kols/{id}',
    profiles: '/api/v1/kols{?ids}',
    score: '/api/v1/kols/{id}/score',
    scores: '/api/v1/scores{?ids}',
    trending: '/api/v1/content/trending{?platform,limit,expand}',
    content: '/api/v1/content/{id}',
    contents: '/api/v1/content{?ids}',
    stats: '/api/v1/stats',
    etl_loads: '/api/v1/etl/loads{/id}{?pipeline,wait}',
    warms: '/api/v1/warms{/id}',
    health: '/healthz',
    readiness: '/readyz',
  },
};
