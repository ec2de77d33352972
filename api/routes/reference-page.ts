import { createHash } from 'node:crypto';
import express, { type RequestHandler } from 'express';
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js';
import { OPENAPI_PATH } from '../openapi.ts';
import { defineRoute, type Route } from '../route.ts';

const PATH = '/docs';
/** Relative, because a proxy may put the API below another path. */
const FILES = 'docs';

/** Turns off the validator of Swagger UI, which is a service on the internet. */
const SCRIPT = `SwaggerUIBundle({ url: '.${OPENAPI_PATH}', dom_id: '#reference', validatorUrl: null })`;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>KOL cache API</title>
<link rel="stylesheet" href="${FILES}/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="${FILES}/swagger-ui-bundle.js"></script>
<script>${SCRIPT}</script>
</body>
</html>
`;

/** Allows the files of this page and its one inline script. Swagger UI also uses inline styles and icons in data URLs. */
const PAGE_POLICY = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`,
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
].join(';');

/** The files of Swagger UI, below /docs. They come from the package, so the page needs no internet. */
export const referenceFiles = (): [path: string, handler: RequestHandler] => [
  PATH,
  // No ranges: Express answers a range beyond the end of a file with an error.
  express.static(getAbsoluteFSPath(), { index: false, redirect: false, maxAge: '1h', acceptRanges: false }),
];

/** The reference of the API for people. */
export const referencePage = (): Route =>
  defineRoute({
    method: 'get',
    path: PATH,
    name: 'reference',
    summary: 'The reference as a page',
    anyQuery: true,
    answers: { 200: { description: 'The page', contentType: 'text/html' } },
    handle({ request, response }) {
      // at /docs/ the relative addresses of the page would be wrong
      if (request.path.endsWith('/')) return response.redirect(308, `../${FILES}`);
      response.set('Content-Security-Policy', PAGE_POLICY).type('html').send(PAGE);
    },
  });
