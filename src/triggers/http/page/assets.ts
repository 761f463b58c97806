import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

const FILES: Readonly<Record<string, string>> = {
  'app.js': 'text/javascript; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/** Serves these files and no others. They are read once, and no name from a request reaches the file system. */
export function registerAssets(server: FastifyInstance): void {
  for (const [name, type] of Object.entries(FILES)) {
    const content = readFileSync(new URL(`assets/${name}`, import.meta.url));
    server.get(`/assets/${name}`, (_request, reply) =>
      reply.type(type).header('cache-control', 'no-cache').send(content),
    );
  }
}
