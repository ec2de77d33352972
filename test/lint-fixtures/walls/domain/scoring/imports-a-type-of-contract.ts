// fails: domain/ may import no other room.
export type { Workflows } from '../../contract/workflows.ts';
