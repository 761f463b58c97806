import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What `GET /api/keygen` gives for a node, as base64 of JSON. */
type Keys = { nodeCertPem: string; nodeKeyPem: string; caCertPem: string };

type Bytes = { uplink: number; downlink: number };

/** Bytes that the node says have gone through it since it was last asked, and how many of them were whose, by the number of the user. */
export type Traffic = Bytes & { users?: Readonly<Record<string, Bytes>> };

const SYSTEM = {
  info: {
    arch: 'x64',
    cpus: 2,
    cpuModel: 'stand-in',
    memoryTotal: 4_000_000_000,
    hostname: 'stand-in',
    platform: 'linux',
    release: '6.1.0',
    type: 'Linux',
    version: '#1',
    networkInterfaces: ['eth0'],
  },
  stats: {
    memoryFree: 2_000_000_000,
    memoryUsed: 2_000_000_000,
    uptime: 3600,
    loadAvg: [0.1, 0.1, 0.1],
    interface: null,
  },
};

/** A panel takes a node that says nothing of its Xray for an outdated one: it marks it as not connected, and never asks it for traffic. */
const XRAY = {
  numGoroutine: 30,
  numGC: 10,
  alloc: 10_000_000,
  totalAlloc: 20_000_000,
  sys: 30_000_000,
  mallocs: 100_000,
  frees: 90_000,
  liveObjects: 10_000,
  pauseTotalNs: 1_000_000,
  uptime: 3600,
};

/**
 * Answers a real panel as a node of it would: started, healthy, with the traffic that it is told to have. The panel speaks to it by mutual
 * TLS, with the keys of its own.
 */
export class StandInNode {
  readonly #server: Server;
  readonly #flown: Bytes[] = [];
  readonly #flownOfUsers: Readonly<Record<string, Bytes>>[] = [];

  constructor(payload: string) {
    const keys = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as Keys;
    const tls = { cert: keys.nodeCertPem, key: keys.nodeKeyPem, ca: keys.caCertPem, requestCert: true };
    this.#server = createServer(tls, (request, response) => {
      request.resume();
      request.on('end', () => {
        const text = JSON.stringify({ response: this.#answer(request.url ?? '') });
        response.writeHead(200, { 'content-type': 'application/json' }).end(text);
      });
    });
  }

  /** Answers the port. */
  async listen(address: string): Promise<number> {
    this.#server.listen(0, address);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** The panel fetches this once: what its users have used with its next look of every 15 s, what has gone through it with that of every 30 s. */
  flow({ users, ...bytes }: Traffic): void {
    this.#flown.push(bytes);
    if (users) this.#flownOfUsers.push(users);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(url: string): object {
    switch (url.slice('/node/'.length)) {
      case 'xray/start':
        return {
          isStarted: true,
          version: '25.10.1',
          error: null,
          nodeInformation: { version: '3.3.2' },
          system: SYSTEM,
        };
      case 'xray/healthcheck':
        return { isAlive: true, xrayInternalStatusCached: true, xrayVersion: '25.10.1', nodeVersion: '3.3.2' };
      case 'xray/stop':
        return { isStopped: true };
      case 'stats/get-combined-stats': {
        const bytes = this.#flown.shift();
        if (!bytes) return { inbounds: [], outbounds: [] };
        return { inbounds: [{ inbound: 'Shadowsocks', ...bytes }], outbounds: [{ outbound: 'DIRECT', ...bytes }] };
      }
      case 'stats/get-users-stats': {
        const users = Object.entries(this.#flownOfUsers.shift() ?? {});
        return { users: users.map(([username, bytes]) => ({ username, ...bytes })) };
      }
      case 'stats/get-users-ip-list':
        return { users: [] };
      case 'stats/get-system-stats':
        return { xrayInfo: XRAY, plugins: { torrentBlocker: { reportsCount: 0 } }, system: { stats: SYSTEM.stats } };
      case 'plugin/torrent-blocker/collect':
        return { reports: [] };
      case 'plugin/sync':
        return { accepted: true };
      default:
        return { success: true, error: null };
    }
  }
}
