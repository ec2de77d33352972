import express, { type Express } from 'express';
import type { CacheAdmin } from '../cache/admin/cache-admin.ts';
import type { Switchboard } from '../cache/admin/switchboard.ts';
import type { CacheReader } from '../cache/reading/cache-reader.ts';
import type { RecentSearches } from '../cache/writing/recent-searches.ts';
import type { Logger } from '../clients/logger.ts';
import type { Config } from '../config/config.ts';
import { createLoggedUrl } from './logged-url.ts';
import { logRequests } from './log-requests.ts';
import { allowOrigins } from './allow-origins.ts';
import { answerProblem, routeNotFound } from './problem.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { Readiness } from './readiness.ts';
import { createRequestControls } from './request-controls.ts';
import { requireToken, tokenCheck } from './require-token.ts';
import { createRouter, type Route } from './route.ts';
import { cacheRoutes } from './routes/cache.ts';
import { contentRoutes } from './routes/content.ts';
import { withDocuments } from './routes/documents.ts';
import { etlRoutes } from './routes/etl.ts';
import { healthRoutes } from './routes/health.ts';
import { kolRoutes } from './routes/kols.ts';
import { referenceFiles, referencePage } from './routes/reference-page.ts';
import { scoreRoutes } from './routes/scores.ts';
import { searchRoutes } from './routes/search.ts';
import { statsRoutes } from './routes/stats.ts';
import { switchRoutes } from './routes/switches.ts';
import { warmRoutes } from './routes/warms.ts';
import { securityHeaders } from './security-headers.ts';
import type { Triggers } from './triggers.ts';

export interface AppDependencies {
  readonly reader: CacheReader;
  readonly readiness: Readiness;
  readonly log: Logger;
  /** The lengths in which rankings are cached (WARM_RANKING_LIMITS). */
  readonly rankingLimits: readonly number[];
  /** Profiles in each list (WARM_LIST_SIZE). */
  readonly listSize: number;
  readonly recentSearches: RecentSearches;
  readonly cacheAdmin: CacheAdmin;
  readonly switchboard: Switchboard;
  readonly triggers: Triggers;
  /** Trusted proxies, whose X-Forwarded-For is used: their number or their addresses. */
  readonly trustProxy: Config['API_TRUST_PROXY'];
  /** Origins whose web pages may call the API. */
  readonly corsOrigins: readonly string[];
  /** Undefined for no limit. */
  readonly rateLimit: RateLimiter | undefined;
  /** Bearer token of the calls that need one. Without a token they are off. */
  readonly token: string | undefined;
  /** A request without an answer after this time gets a problem. */
  readonly deadlineSeconds: number;
  /** Aborts when the server stops accepting requests: waiting requests are then answered. */
  readonly closing?: AbortSignal | undefined;
}

/** The REST API as an Express app. The caller listens. */
export function createApp(dependencies: AppDependencies): Express {
  const { log, trustProxy, corsOrigins, rateLimit, token, deadlineSeconds } = dependencies;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', 'strong');
  app.set('trust proxy', trustProxy);
  app.enable('case sensitive routing'); // ids are case sensitive: /kols/TOP is a KOL, /kols/top a ranking

  const routes = createRoutes(dependencies);
  app.use(logRequests(log, createLoggedUrl(routes)), securityHeaders);
  if (corsOrigins.length > 0) app.use(allowOrigins(corsOrigins));
  if (rateLimit !== undefined) app.use('/api', rateLimit.middleware);
  const controlsOf = createRequestControls(tokenCheck(token));
  app.use(
    createRouter(routes, {
      checkToken: requireToken(token),
      controlsOf,
      deadlineSeconds,
    }),
  );
  app.use(...referenceFiles());
  app.use(routeNotFound, answerProblem);
  return app;
}

/** All routes of the API. */
export const createRoutes = ({
  reader,
  readiness,
  rankingLimits,
  listSize,
  recentSearches,
  cacheAdmin,
  switchboard,
  triggers,
  closing,
}: AppDependencies): readonly Route[] =>
  withDocuments([
    ...healthRoutes(readiness),
    ...kolRoutes(reader, { rankingLimits, listSize }),
    ...contentRoutes(reader),
    ...scoreRoutes(reader),
    ...statsRoutes(reader),
    ...searchRoutes(reader, recentSearches),
    ...cacheRoutes(cacheAdmin, reader, switchboard),
    ...switchRoutes(switchboard),
    ...etlRoutes(triggers, closing),
    ...warmRoutes(triggers),
    referencePage(),
  ]);
