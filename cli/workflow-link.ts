import type { Config } from '../config/config.ts';

export type TemporalUi = Pick<Config, 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>;

/** Appends the address of a workflow in the Temporal UI to a message, if TEMPORAL_UI_URL is set. */
export function withWorkflowLink(
  message: string,
  { TEMPORAL_UI_URL, TEMPORAL_NAMESPACE }: TemporalUi,
  workflowId: string,
): string {
  if (!TEMPORAL_UI_URL) return message;
  return `${message}: ${TEMPORAL_UI_URL}/namespaces/${TEMPORAL_NAMESPACE}/workflows/${encodeURIComponent(workflowId)}`;
}
