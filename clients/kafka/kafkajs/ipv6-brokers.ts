import { createRequire } from 'node:module';
import type { ISocketFactory } from 'kafkajs';

// Fault:       kafkajs 2.2.4 splits a bootstrap server at its first colon.
// Consequence: an IPv6 address cannot be one: the host of [::1]:9092 is "[".
// Patch:       hide the colons of the address from kafkajs, and show them again when the socket is opened.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

const HIDDEN_COLON = '%3A';

const createDefaultFactory = createRequire(import.meta.url)(
  'kafkajs/src/network/socketFactory',
) as () => ISocketFactory;

/** A bootstrap server as kafkajs takes it. @param broker host:port, with an IPv6 address in brackets */
export const toBootstrapServer = (broker: string): string =>
  broker.replace(/^\[.*\](?=:\d+$)/, (address) => address.replaceAll(':', HIDDEN_COLON));

/** Opens connections to such bootstrap servers too. @param open opens the others; by default as kafkajs does */
export const withIpv6Brokers =
  (open: ISocketFactory = createDefaultFactory()): ISocketFactory =>
  ({ host, ...args }) => {
    const [, address = host] = /^\[(.*)\]$/.exec(host) ?? [];
    return open({ host: address.replaceAll(HIDDEN_COLON, ':'), ...args });
  };
