import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What `GET /api/keygen` gives for a node, as base64 of JSON. */
type Keys = { nodeCertPem: string; nodeKeyPem: string; caCertPem: string };

/** Bytes that the node says have gone through it since it was last asked. */
export type Traffic = {
  uplink: number;
  downlink: number;
  users?: Readonly<Record<string, { uplink: number; downlink: number }>>;
};

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

/**
 * Answers a real panel as a node of it would: started, healthy, with the traffic that it is told to have. The panel speaks to it by mutual
 * TLS, with the keys of its own.
 */
export class StandInNode {
  readonly #server: Server;
  readonly #traffic: Traffic[] = [];

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

  /** The panel fetches this with its next look (every 15 s or 30 s), once. */
  flow(traffic: Traffic): void {
    this.#traffic.push(traffic);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(url: string): object {
    const inbounds = (traffic?: Traffic) => (traffic ? [{ inbound: 'Shadowsocks', ...bytes(traffic) }] : []);
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
        const traffic = this.#traffic.find(({ users }) => !users);
        if (traffic) this.#traffic.splice(this.#traffic.indexOf(traffic), 1);
        return { inbounds: inbounds(traffic), outbounds: traffic ? [{ outbound: 'DIRECT', ...bytes(traffic) }] : [] };
      }
      case 'stats/get-users-stats': {
        const traffic = this.#traffic.find(({ users }) => users);
        if (traffic) this.#traffic.splice(this.#traffic.indexOf(traffic), 1);
        const users = Object.entries(traffic?.users ?? {}).map(([username, flown]) => ({ username, ...flown }));
        return { users };
      }
      case 'stats/get-users-ip-list':
        return { users: [] };
      case 'stats/get-system-stats':
        return { xrayInfo: null, plugins: { torrentBlocker: { reportsCount: 0 } }, system: { stats: SYSTEM.stats } };
      case 'plugin/torrent-blocker/collect':
        return { reports: [] };
      case 'plugin/sync':
        return { accepted: true };
      default:
        return { success: true, error: null };
    }
  }
}

const bytes = ({ uplink, downlink }: Traffic) => ({ uplink, downlink });
