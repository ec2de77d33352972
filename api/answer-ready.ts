import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Request, Response } from 'express';
import type { LocalTier } from '../cache/reading/local-tier.ts';
import type { Logger } from '../clients/logger.ts';
import { sendAnswer } from './answer.ts';
import { createRequestLog, newRequestId } from './log-requests.ts';
import { isFree, type RateLimiter } from './rate-limit.ts';
import { directivesOf } from './request-controls.ts';
import { securityHeaders } from './security-headers.ts';
import { ReadyAnswer } from './send-read.ts';

/** Answers a request before Express sees it. @returns false when it cannot; the request is then untouched */
export type AnswerReady = (request: Request, response: Response) => boolean;

export interface AnswerReadyDependencies {
  readonly localTier: LocalTier;
  readonly log: Logger;
  /** Undefined for no limit. */
  readonly rateLimit: RateLimiter | undefined;
}

/**
 * Answers requests whose finished answer is in L1 under their URL. The result is the same as through Express: the same headers and log
 * line, counted by the rate limit and the read counter.
 */
export function createAnswerReady({ localTier, log, rateLimit }: AnswerReadyDependencies): AnswerReady {
  const logRequest = createRequestLog(log);
  const fixedHead = [...Object.entries(headersOf(securityHeaders)).flat(), 'Vary', 'Accept-Encoding'];
  return (request, response) => {
    const startedAt = performance.now();
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    if (directivesOf(request.headers) !== undefined) return false;
    const found = localTier.attached(request.url);
    if (found === undefined || !(found.answer instanceof ReadyAnswer)) return false;
    const portion = rateLimit?.takeFromMemory(request.ip);
    if (rateLimit !== undefined && portion === undefined) return false;

    const { entry, answer: ready } = found;
    entry.onRead();
    const id = newRequestId(request);
    const head = ready.headAt(entry);
    const [, cacheStatus = ''] = head;
    sendAnswer(
      request,
      response,
      ready.answer,
      [...head, ...fixedHead, 'X-Request-Id', id],
      ready.lastModified,
    );
    const { statusCode } = response;
    if (portion !== undefined && isFree(request, statusCode, cacheStatus)) portion.left += 1;
    logRequest(request, statusCode, cacheStatus, startedAt, id);
    return true;
  };
}

/** The headers that a middleware sets on each answer. */
function headersOf(middleware: typeof securityHeaders): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  middleware(request, response, () => {});
  return response.getHeaders() as Record<string, string>;
}
