import type { RequestHandler } from 'express';
import type { Logger } from '../clients/logger.ts';
import { requestId } from './request-id.ts';

/** One line a request, when its answer is out or its client gone. Health checks are logged at debug level. */
export function logRequests(log: Logger): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    response.once('close', () => {
      const line = {
        request_id: requestId(response),
        method: request.method,
        url: request.originalUrl,
        status: response.statusCode,
        cache: response.get('Cache-Status'),
        duration_ms: Number((performance.now() - started).toFixed(1)),
        ...(response.writableFinished ? {} : { aborted: true }),
      };
      log[/^\/(healthz|readyz)/.test(request.originalUrl) ? 'debug' : 'info'](line, 'request');
    });
    next();
  };
}
