import type { AddressInfo } from 'node:net';
import { createMlService } from '../../simulators/ml-service/server.ts';

/** Starts the reference ML service on a free port. */
export async function startMlService(options: Parameters<typeof createMlService>[0]) {
  const server = createMlService(options);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    /** @see simulators/ml-service/faults.ts */
    setFaults: (faults: object) =>
      fetch(`${url}/admin/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(faults),
      }),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
