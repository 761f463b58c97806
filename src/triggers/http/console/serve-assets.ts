import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { FastifyInstance } from 'fastify';
import { CODE_FOLDER } from '../../../lib/code-folder.ts';
import { compressed, type Encoding, encodingFor } from './compressed.ts';

const own = (name: string): URL => new URL(`triggers/http/console/assets/${name}`, CODE_FOLDER);

/** The files of the console: our own, and htmx as its package has it. */
const FILES = {
  style: { file: own('console.css'), name: 'console.css', type: 'text/css; charset=utf-8' },
  script: { file: own('console.js'), name: 'console.js', type: 'text/javascript; charset=utf-8' },
  icon: { file: own('icon.svg'), name: 'icon.svg', type: 'image/svg+xml' },
  htmx: {
    file: createRequire(CODE_FOLDER).resolve('htmx.org/dist/htmx.min.js'),
    name: 'htmx.js',
    type: 'text/javascript; charset=utf-8',
  },
} as const;

/** The address of each file, with a digest of its content in it, so that a browser keeps it for as long as it is this one. */
export type AssetAddresses = Readonly<Record<keyof typeof FILES, string>>;

/** Serves these files and no others. They are read once, and no name from a request reaches the file system. */
export function serveAssets(server: FastifyInstance): AssetAddresses {
  const served = Object.entries(FILES).map(([key, { file, name, type }]) => {
    const content = readFileSync(file);
    const digest = createHash('sha256').update(content).digest('hex').slice(0, 12);
    const address = `/assets/${name.replace('.', `.${digest}.`)}`;
    /** By encoding, made when it is first asked for. */
    const made = new Map<Encoding | undefined, Promise<Buffer>>();
    server.get(address, async (request, reply) => {
      const encoding = encodingFor(request.headers['accept-encoding'], content.length);
      const body = made.get(encoding) ?? compressed(content, encoding, 'file');
      made.set(encoding, body);
      if (encoding) reply.header('content-encoding', encoding);
      return reply
        .headers({ 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding' })
        .type(type)
        .send(await body);
    });
    return [key, address] as const;
  });
  return Object.fromEntries(served) as AssetAddresses;
}
