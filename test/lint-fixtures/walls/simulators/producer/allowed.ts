// passes
export { identifier } from '../../clients/lakehouse/sql.ts';
export { INPUT_TOPICS } from '../../domain/scoring/topics.ts';
