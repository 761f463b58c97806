import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Node's own settings for small and quick processes (docs/performance.md): compiled code is kept on disk, so TypeScript is not
 * stripped at each start, and the space for young objects stays at 4 MB. The folder is removed with the stack.
 */
export async function leanNode(stack: AsyncDisposableStack): Promise<Readonly<Record<string, string>>> {
  const folder = await mkdtemp(join(tmpdir(), 'task-worker-compiled-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  return { NODE_COMPILE_CACHE: folder, NODE_OPTIONS: '--max-semi-space-size=4' };
}
