import cors from 'cors';
import type { RequestHandler } from 'express';
import { SOURCE_VERSION } from './source-version.ts';

/** Browsers cache a preflight answer for this time. */
const PREFLIGHT_SECONDS = 600;

/** Lets web pages of these origins call the API and read its headers (CORS). */
export const allowOrigins = (origins: readonly string[]): RequestHandler =>
  cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Cache-Control', 'Content-Type', 'If-None-Match', 'X-Request-Id'],
    exposedHeaders: [
      'Age',
      'Cache-Status',
      'ETag',
      'Location',
      'Retry-After',
      'X-Request-Id',
      SOURCE_VERSION,
    ],
    maxAge: PREFLIGHT_SECONDS,
  });
