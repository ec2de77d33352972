import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { pythonEnvironment } from '../support/python-environment.ts';

const VERSION = '4.32.5';

/**
 * Installs schemathesis into `.stack`, once.
 * @returns its executable
 * @throws Error when it cannot be installed: a skipped proof would look like a passed one
 */
export async function installSchemathesis(): Promise<string> {
  const environment = await pythonEnvironment(`schemathesis==${VERSION}`);
  if ('missing' in environment) throw new Error(environment.missing);
  return join(environment.programs, 'schemathesis');
}

/**
 * Sends generated requests to an API, and checks each answer against its OpenAPI document: no 5xx, only documented statuses,
 * content types and bodies.
 * @param api without a token, no request has one
 * @param select options that include or exclude operations
 * @returns what schemathesis printed, and whether it found nothing
 */
export async function fuzz(
  executable: string,
  api: { readonly url: string; readonly token: string | undefined },
  examples: number,
  select: readonly string[],
) {
  const { exitCode, all } = await execa(
    executable,
    [
      'run',
      `${api.url}/api/v1/openapi.json`,
      ...(api.token === undefined ? [] : ['--header', `Authorization: Bearer ${api.token}`]),
      '--checks',
      'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance',
      '--max-examples',
      String(examples),
      '--seed',
      '1',
      '--no-color',
      ...select,
    ],
    // it writes its own folder into the working directory
    { reject: false, all: true, cwd: dirname(executable) },
  );
  return { found: exitCode !== 0, output: all };
}
