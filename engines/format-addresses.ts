import type { StackPaths } from './paths.ts';
import type { SystemAddresses } from './start-system.ts';

/**
 * The text that `npm start` prints when the system is ready.
 * @param temporalCli path of the Temporal CLI, which may not be on the PATH; undefined if there is none
 */
export function formatAddresses(
  { API_URL, TEMPORAL_UI_URL }: Pick<SystemAddresses, 'API_URL' | 'TEMPORAL_UI_URL'>,
  { logs, env }: Pick<StackPaths, 'logs' | 'env'>,
  temporalCli: string | undefined,
): string {
  return `
  API           ${API_URL}
                curl -s '${API_URL}/api/v1/kols/top?platform=all&by=followers&limit=5'
                curl -s ${API_URL}/readyz
  Temporal UI   ${TEMPORAL_UI_URL}
  Temporal CLI  ${temporalCli ?? 'not installed'}
  Logs          ${logs}
  Addresses     ${env}
                load them into a shell: set -a; . ${env}; set +a

Press Ctrl-C to stop everything.
`;
}
