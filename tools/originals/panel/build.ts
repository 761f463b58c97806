/**
 * `node tools/originals/panel/build.ts --into <folder> --backend <git dir> --node <git dir> --version 2.7.4`: makes the real panel of that
 * version runnable in `<folder>/<version>`, from bare snapshots of `remnawave/backend` and `remnawave/node`.
 *
 * Nothing of it is ours, and nothing of it may be committed (AGPL): `<folder>` lies outside of this repository.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { addBuilt, addStandIns, NOT_INSTALLED } from './stand-ins.ts';

/** The tag of `remnawave/node` whose contract each panel asks for: 2.7.0 and 3.2.3. */
const NODE_TAG: Readonly<Record<string, string>> = { '2.7.4': '2.7.0', '3.3.2': '3.3.2' };

/** What both panels are bundled with, as their own tools are not needed, and what only their tools would have brought. */
const TOOLS = {
  '@rspack/cli': '2.1.10',
  '@rspack/core': '2.1.10',
  'webpack-node-externals': '3.0.0',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
};

const { values } = parseArgs({
  options: {
    into: { type: 'string' },
    backend: { type: 'string' },
    node: { type: 'string' },
    version: { type: 'string' },
  },
});
const { into, backend, node, version } = values;
const nodeTag = NODE_TAG[version ?? ''];
if (!into || !backend || !node || !version || !nodeTag) {
  throw new Error('say --into <folder> --backend <git dir> --node <git dir> --version 2.7.4 or 3.3.2');
}
const panel = join(into, version);

const run = (command: string, args: readonly string[], cwd = panel, env: NodeJS.ProcessEnv = {}): void => {
  console.log(`${command} ${args.join(' ')}`);
  const PATH = `${join(panel, 'node_modules/.bin')}:${process.env.PATH}`;
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, PATH, ...env } });
};

/** The files of a tag. */
function unpack(gitDir: string, tag: string, folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  const archive = execFileSync('git', ['-C', gitDir, 'archive', tag], { maxBuffer: 1024 ** 3 });
  execFileSync('tar', ['x', '-C', folder], { input: archive });
}

type Manifest = { dependencies: Record<string, string>; devDependencies: Record<string, string> };
type Lock = { packages: Record<string, { version: string } | undefined> };

const read = <T>(file: string): T => JSON.parse(readFileSync(join(panel, file), 'utf8')) as T;

/** Direct packages in the versions of the panel's own lock; what they need themselves, as the registry has it today. */
function install(): void {
  const manifest = read<Manifest>('package.json');
  const { packages } = read<Lock>('package-lock.json');
  const generators = ['prisma', 'prisma-kysely', 'prisma-json-types-generator', 'typescript'];
  const all = { ...manifest.dependencies, ...manifest.devDependencies };
  const wanted = [...Object.keys(manifest.dependencies), ...generators].filter((name) => !NOT_INSTALLED.has(name));
  const dependencies = Object.fromEntries(
    wanted.map((name) => [name, packages[`node_modules/${name}`]?.version ?? all[name]]),
  );
  // Of this one the registry keeps only a later version, which is the same but for the Prisma that it asks for.
  dependencies['@kastov/nestjs-prisma-kysely'] = '0.2.2';
  dependencies['@prisma/adapter-pg'] = dependencies['@prisma/client'];
  const slim = { name: 'panel', private: true, dependencies: { ...dependencies, ...TOOLS } };
  writeFileSync(join(panel, 'package.own.json'), JSON.stringify(manifest));
  writeFileSync(join(panel, 'package.json'), JSON.stringify(slim, null, 2));
  run('rm', ['-f', 'package-lock.json']);
  run('npm', ['install', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** Packages of the panel's makers that no registry has, from their sources. */
function buildContracts(): void {
  const sources = join(into!, `node-${nodeTag}`);
  unpack(node!, nodeTag!, sources);
  const tsc = join(panel, 'node_modules/.bin/tsc');
  const contract = join(sources, 'libs/contract');
  run('ln', ['-sfn', join(panel, 'node_modules'), join(contract, 'node_modules')]);
  if (!existsSync(join(contract, 'build'))) run(tsc, ['-p', contract]);
  addBuilt(panel, '@remnawave/node-contract', contract);
  const set = join(panel, 'libs/hashed-set');
  if (!existsSync(join(set, 'build'))) run(tsc, ['-p', join(set, 'tsconfig.backend.json')]);
  addBuilt(panel, '@remnawave/hashed-set', set);
}

/** Prisma's client without a native engine; `generate` does not need the other one, which it would download. */
function generate(): void {
  const file = join(panel, 'prisma/schema.prisma');
  const schema = readFileSync(file, 'utf8').replace(
    /generator client \{[^}]*\}/,
    'generator client {\n  provider = "prisma-client-js"\n  engineType = "client"\n}',
  );
  writeFileSync(file, schema);
  const url = 'postgresql://nobody@127.0.0.1:1/none';
  run('node_modules/.bin/prisma', ['generate'], panel, {
    DATABASE_URL: url,
    DIRECT_URL: url,
    PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
  });
}

/** The panel serves its pages from a folder of the image. An empty one does. */
function withoutPages(): void {
  const pages = join(panel, 'frontend');
  mkdirSync(pages, { recursive: true });
  writeFileSync(join(pages, 'index.html'), '<!doctype html>');
  const file = join(panel, 'dist/api.js');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('/opt/app/frontend', pages));
}

unpack(backend, version, panel);
if (!existsSync(join(panel, 'node_modules'))) install();
addStandIns(panel);
buildContracts();
generate();
run('node_modules/.bin/rspack', ['build', '--config', 'rspack.own.mjs']);
withoutPages();
console.log(`${panel}/dist is ready`);
