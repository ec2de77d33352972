import { PROFILE_FAULTS, testFaultCases } from './fault-matrix.ts';

/**
 * Kafka 3.9 is the last release whose group coordinator stores an offset a moment after it has answered the end of the
 * transaction. A retry that read the older offset would score a range twice. Only the offset matters here, so there are no videos.
 */
testFaultCases(PROFILE_FAULTS, { kafkaVersion: 'kafka39' });
