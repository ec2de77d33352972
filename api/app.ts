import express, { type Express, type RequestHandler } from 'express';
import type { CacheReader } from '../cache/reading/cache-reader.ts';
import type { Logger } from '../clients/logger.ts';
import type { Config } from '../config/config.ts';
import { logRequests } from './log-requests.ts';
import { allowOrigins } from './allow-origins.ts';
import { allowNotModified } from './allow-not-modified.ts';
import { answerProblem, routeNotFound } from './problem.ts';
import type { Readiness } from './readiness.ts';
import { requireToken } from './require-token.ts';
import { createRouter, type Route } from './route.ts';
import { contentRoutes } from './routes/content.ts';
import { withDocuments } from './routes/documents.ts';
import { etlRoutes } from './routes/etl.ts';
import { healthRoutes } from './routes/health.ts';
import { kolRoutes } from './routes/kols.ts';
import { referenceFiles, referencePage } from './routes/reference-page.ts';
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
  readonly rateLimit: RequestHandler | undefined;
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

  app.use(logRequests(log), securityHeaders, allowNotModified);
  if (corsOrigins.length > 0) app.use(allowOrigins(corsOrigins));
  if (rateLimit !== undefined) app.use('/api', rateLimit);
  app.use(createRouter(createRoutes({ reader, readiness, rankingLimits, triggers }), requireToken(token)));
  app.use(...referenceFiles());
  app.use(routeNotFound, answerProblem);
  return app;
}

/** All routes of the API. */
export const createRoutes = ({
  reader,
  readiness,
  rankingLimits,
  triggers,
}: Pick<AppDependencies, 'reader' | 'readiness' | 'rankingLimits' | 'triggers'>): readonly Route[] =>
  withDocuments([
    ...healthRoutes(readiness),
    ...kolRoutes(reader, rankingLimits),
    ...contentRoutes(reader),
    ...scoreRoutes(reader),
    ...statsRoutes(reader),
    ...etlRoutes(triggers),
    ...warmRoutes(triggers),
    referencePage(),
  ]);
