import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ports that systems hand to outgoing connections (Linux: from 32768). A port from that range could be taken
 * by any client while a server restarts; a client that retries in a loop can even end up connected to itself.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;
const TRIES = 50;

/**
 * A port of 127.0.0.1 on which no process listens at this moment. Another process may still take it before the caller does, so the caller
 * must be ready to ask for another one.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
  throw new Error(`free port: ${TRIES} random ports between ${LOWEST} and ${HIGHEST} were all taken; stop old servers`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
