import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from '../errors.ts';
import { installEngines } from '../install/install-engines.ts';
import { findJdk, noJdkSentence } from '../install/java.ts';
import type { Report } from '../install/progress.ts';
import { MINIMUM_JAVA } from '../install/versions.ts';

/**
 * Makes sure that Temporal's time-skipping test server is installed.
 * @returns the path of an executable for `createTimeSkipping({ server: { executable: { type: 'existing-path', path } } })`
 * @throws MissingToolsError or InstallError when it is not there and cannot be fetched
 */
export async function timeSkippingServerPath(report: Report = console.log): Promise<string> {
  const { temporalTestServer: folder } = await installEngines(['temporalTestServer'], { report });
  const jdk = await findJdk(MINIMUM_JAVA.temporalTestServer);
  if (!jdk) throw new StackError(noJdkSentence("Temporal's test server", MINIMUM_JAVA.temporalTestServer));
  const path = join(folder, 'run.sh');
  // Renamed into place: another test run may be starting the script just now.
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, script(join(jdk.home, 'bin', 'java'), join(folder, 'lib')));
  await chmod(fresh, 0o755);
  await rename(fresh, path);
  return path;
}

// The SDK passes `<port> --enable-time-skipping`. With the second argument this server lets every activity and workflow
// time out at once; without it, it skips time all the same.
const script = (java: string, lib: string) => `#!/bin/sh
exec "${java}" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "${lib}/*" io.temporal.testserver.TestServer "$1"
`;
