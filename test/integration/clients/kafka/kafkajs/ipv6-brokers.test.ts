import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKafkaClient } from '../../../../../clients/kafka/client.ts';
import { loadConfig } from '../../../../../config/config.ts';
import { testEngines } from '../../../../support/test-engines.ts';

/** Listens on an IPv6 address only, and passes everything to the broker. */
let relay: Server;
let connections = 0;
beforeAll(async () => {
  const [host = '', port] = testEngines().KAFKA_BROKERS.split(':');
  relay = createServer((client) => {
    connections += 1;
    const broker = connect({ host, port: Number(port) });
    for (const socket of [client, broker])
      socket.on('error', () => {}).on('close', () => [client, broker].forEach((end) => end.destroy()));
    client.pipe(broker).pipe(client);
  });
  await once(relay.listen(0, '::1'), 'listening');
});
afterAll(() => void relay.close());

test('a broker is reached by its IPv6 address', async () => {
  const { port } = relay.address() as AddressInfo;
  const { KAFKA_BROKERS } = loadConfig({
    ...testEngines(),
    ML_API_URL: 'http://127.0.0.1:1',
    KAFKA_BROKERS: `[::1]:${port}`,
  });
  const admin = createKafkaClient(KAFKA_BROKERS, 'test-ipv6', () => {}).admin();
  try {
    await admin.connect();
    expect((await admin.describeCluster()).brokers.length).toBeGreaterThan(0);
    expect(connections).toBeGreaterThan(0);
  } finally {
    await admin.disconnect();
  }
});
