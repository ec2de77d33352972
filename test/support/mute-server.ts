import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** Accepts connections and answers nothing, as a frozen process does. */
export interface MuteServer {
  /** `host:port` */
  readonly address: string;
  close(): Promise<void>;
}

export async function startMuteServer(): Promise<MuteServer> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      open.forEach((socket) => socket.destroy());
      await once(server.close(), 'close');
    },
  };
}
