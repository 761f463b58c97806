import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { missingDebianPackages, redisBinary } from './binaries.ts';

const folder = mkdtempSync(join(tmpdir(), 'binaries-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a server on the PATH is taken before one in the usual places', () => {
  const onPath = join(folder, 'redis-server');
  writeFileSync(onPath, '#!/bin/sh\n', { mode: 0o755 });
  expect(redisBinary(`/nowhere:${folder}`)).toBe(onPath);
});

test('a file that is not executable is no server', () => {
  const other = mkdtempSync(join(folder, 'plain-'));
  writeFileSync(join(other, 'redis-server'), '', { mode: 0o644 });
  expect(redisBinary(`${other}:${folder}`)).toBe(join(folder, 'redis-server'));
});

test('names a package for each server that is missing, and only for those', () => {
  expect(missingDebianPackages(folder)).not.toContain('redis-server');
});
