import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { findOnPath } from '../../engines/install/run-tool.ts';
import { stackFolder } from '../../engines/paths.ts';

const VERSION = '4.32.5';
const folder = join(stackFolder, 'schemathesis', VERSION);

/** Installs schemathesis into `.stack`, once. @returns its executable; undefined where Python is missing */
export async function installSchemathesis(): Promise<string | undefined> {
  const executable = join(folder, 'bin', 'schemathesis');
  const installed = await access(executable).then(
    () => true,
    () => false,
  );
  if (installed) return executable;
  const python = await findOnPath('python3');
  if (python === undefined) return undefined;
  await execa(python, ['-m', 'venv', folder]);
  await execa(join(folder, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${VERSION}`]);
  return executable;
}

/**
 * Sends generated requests to an API, and checks each answer against its OpenAPI document: no 5xx, only documented statuses,
 * content types and bodies.
 * @param select options that include or exclude operations
 * @returns what schemathesis printed, and whether it found nothing
 */
export async function fuzz(
  executable: string,
  api: { readonly url: string; readonly token: string },
  examples: number,
  select: readonly string[],
) {
  const { exitCode, all } = await execa(
    executable,
    [
      'run',
      `${api.url}/api/v1/openapi.json`,
      '--header',
      `Authorization: Bearer ${api.token}`,
      '--checks',
      'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance',
      '--max-examples',
      String(examples),
      '--seed',
      '1',
      '--no-color',
      ...select,
    ],
    // It writes a folder of its own where it runs.
    { reject: false, all: true, cwd: folder },
  );
  return { found: exitCode !== 0, output: all };
}
