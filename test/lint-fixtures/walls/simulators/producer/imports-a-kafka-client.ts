// fails: simulators/ may import domain, clients/lakehouse/sql.ts.
export { createKafka } from '../../clients/kafka/client.ts';
