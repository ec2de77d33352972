import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp, createRoutes } from '../../../api/app.ts';
import { createOpenApi } from '../../../api/openapi.ts';
import { fakeDependencies } from './fake-dependencies.ts';

/** A program that uses the client. The last line uses a field that a profile does not have. */
const PROGRAM = `
import { profile, profiles } from './sdk.gen.ts';
const one = await profile({ path: { id: 'zoe' } });
export const id: string | undefined = one.data?.kol_id;
export const detail: string | undefined = one.error?.detail;
await profiles({ query: { platform: 'tiktok', limit: 10, fields: ['kol_id'] } });
// @ts-expect-error a profile has no email
export const email = one.data?.email;
// @ts-expect-error a limit is a number
await profiles({ query: { limit: 'ten' } });
`;

let folder: string;
beforeAll(async () => {
  // Within the project, so that it finds the same packages.
  folder = await mkdtemp(join('node_modules', '.typed-client-'));
  await createClient({
    input: createOpenApi(createRoutes(fakeDependencies())) as never,
    output: { path: folder, module: { extension: '.ts' } },
    plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
    logs: { level: 'silent' },
  });
  await writeFile(join(folder, 'program.ts'), PROGRAM);
});
afterAll(() => rm(folder, { recursive: true }));

describe('a client that is generated from the OpenAPI document', () => {
  test('has the types of the answers', () => {
    const program = ts.createProgram([join(folder, 'program.ts')], {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      target: ts.ScriptTarget.ES2023,
      types: [],
    });
    const wrong = ts
      .getPreEmitDiagnostics(program)
      .map(
        ({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      );
    expect(wrong).toEqual([]);
  });

  test('reads the API', async () => {
    const profile = { value: { kol_id: 'zoe' }, outcome: 'hit', ttlSeconds: 60, collapsed: false };
    const reader = { ...fakeDependencies().reader, profile: () => Promise.resolve(profile as never) };
    const server = createApp(fakeDependencies({ reader })).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const sdk = (await import(join(process.cwd(), folder, 'sdk.gen.ts'))) as Record<
        string,
        (options: object) => Promise<{ data?: unknown; error?: unknown }>
      >;
      const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const found = await sdk['profile']?.({ baseUrl, path: { id: 'zoe' } });
      expect(found?.data).toMatchObject({ kol_id: 'zoe' });
      const refused = await sdk['top']?.({ baseUrl, query: { limit: 0 } });
      expect(refused?.error).toMatchObject({ status: 400, invalid: [{ parameter: 'limit' }] });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
