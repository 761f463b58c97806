import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Packages that cannot be installed, in our own words: just enough for the panel to start. None of them is on a way that is recorded. */
const WRITTEN: Readonly<Record<string, string>> = {
  '@kastov/grammy-nestjs': `
const none = () => () => {};
class NestjsGrammyModule { static forRootAsync() { return { module: NestjsGrammyModule }; } }
module.exports = { InjectBot: none, Update: none, NestjsGrammyModule };`,
  '@kastov/uuid-color': `
const colour = (value) => '#' + (require('node:crypto').createHash('md5').update(String(value)).digest('hex').slice(0, 6));
module.exports = { colorFromUuid: colour, colorFromId: colour };`,
  'passkey-authenticator-aaguids': 'module.exports = { findAuthenticatorById: () => undefined };',
  // The order of a node's configuration, by which the panel sees whether it changed.
  'xray-typed': 'module.exports = { sortXrayConfig: (config) => config };',
  // The registry has it, but its native part would have to be downloaded; Node can do the same.
  '@mongodb-js/zstd': `
const { promisify } = require('node:util');
const { zstdCompress, zstdDecompress } = require('node:zlib');
module.exports = { compress: (data) => promisify(zstdCompress)(data), decompress: promisify(zstdDecompress) };`,
};

/** Loaded before the panel: its client of PostgreSQL speaks through \`pg\`, as no native engine can be downloaded. */
const ENGINE = `
const client = require('@prisma/client');
const { PrismaPg } = require('@prisma/adapter-pg');
const Original = client.PrismaClient;
client.PrismaClient = class PrismaClient extends Original {
  constructor({ datasources, ...options } = {}) {
    super({ ...options, adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });
  }
};`;

const RSPACK = `
import { rspack } from '@rspack/core';
import nodeExternals from 'webpack-node-externals';
import path from 'node:path';
const here = import.meta.dirname;
export default {
  context: here,
  mode: 'production',
  target: 'node',
  entry: {
    api: './src/main.ts',
    processor: './src/bin/processors/processors.ts',
    scheduler: './src/bin/scheduler/scheduler.ts',
    seed: './prisma/seed/config.seed.ts',
  },
  output: { path: path.join(here, 'dist'), filename: '[name].js' },
  resolve: { extensions: ['.ts', '.js', '.json'], tsConfig: path.join(here, 'tsconfig.json') },
  module: {
    parser: { javascript: { exportsPresence: 'warn' } },
    rules: [{
      test: /\\.ts$/,
      use: {
        loader: 'builtin:swc-loader',
        options: {
          jsc: {
            parser: { syntax: 'typescript', decorators: true },
            transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
            target: 'es2022',
          },
        },
      },
    }],
  },
  optimization: { minimize: false, runtimeChunk: false, splitChunks: false },
  externalsType: 'commonjs',
  externals: [nodeExternals()],
};`;

/** Names that are written or built here, and so are not to be installed. */
export const NOT_INSTALLED: ReadonlySet<string> = new Set([
  ...Object.keys(WRITTEN),
  '@remnawave/hashed-set',
  '@remnawave/node-contract',
]);

/** Puts them into the panel's node_modules, and the files that its bundle and its start need beside it. */
export function addStandIns(panel: string): void {
  for (const [name, text] of Object.entries(WRITTEN)) addPackage(panel, name, text);
  writeFileSync(join(panel, 'engine.cjs'), ENGINE);
  writeFileSync(join(panel, 'rspack.own.mjs'), RSPACK);
}

/** A package of one file. */
function addPackage(panel: string, name: string, text: string): void {
  const file = join(panel, 'node_modules', name, 'index.js');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  writeFileSync(join(dirname(file), 'package.json'), JSON.stringify({ name, version: '0.0.0', main: 'index.js' }));
}

/** A package that \`tsc\` built. */
export function addBuilt(panel: string, name: string, built: string): void {
  const folder = join(panel, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(built, 'build'), join(folder, 'build'), { recursive: true });
  copyFileSync(join(built, 'package.json'), join(folder, 'package.json'));
}
