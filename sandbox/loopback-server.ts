import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type LoopbackServer = {
  url: string;
  port: number;
  /** Takes no new request, runs `before`, cuts open connections, and resolves once the port is free. */
  stop(before?: () => void): Promise<void>;
};

/** Longer than Node's 5 s, because real services keep idle connections; a shorter time resets callers at random. */
const KEEP_ALIVE_MS = 75_000;

/** Serves on loopback; 0 is any free port. `failed` ends a response whose handler threw. */
export async function serveOnLoopback(
  port: number,
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  failed: (response: ServerResponse, error: Error) => void,
): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    serve(request, response).catch((error: Error) => failed(response, error));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    async stop(before) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      before?.();
      server.closeAllConnections();
      await closed;
    },
  };
}
