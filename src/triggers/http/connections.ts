import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Holds the number of connections at `limit` by closing those that wait: a new one takes the place of the connection that has waited longest
 * without a whole request: new, kept alive, or with a body half sent. So a client that opens connections and sends nothing cannot shut
 * out others, nor the probe that restarts a container. Where every place has a request in progress, the new connection is closed.
 */
export function limitConnections(server: Server, limit: number): void {
  const open = new Set<Socket>();
  /** In the order in which they began to wait. */
  const waiting = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    if (open.size >= limit) {
      const [longest = socket] = waiting;
      waiting.delete(longest);
      open.delete(longest);
      longest.destroy();
      if (longest === socket) return;
    }
    open.add(socket);
    waiting.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      waiting.delete(socket);
    });
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    const isWhole = (): void => void waiting.delete(socket);
    if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined)
      isWhole();
    else request.once('end', isWhole);
    response.once('close', () => {
      if (!open.has(socket)) return;
      waiting.delete(socket);
      waiting.add(socket);
    });
  });
}
