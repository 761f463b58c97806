import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const INSTALL = fileURLToPath(new URL('../../tools/install-servers.sh', import.meta.url));
const INSTALL_LIMIT_MS = 120_000;

/** The path of libfaketime, which root on a Debian installs if it is missing, or the reason that it is not available. */
export async function findFaketime(): Promise<{ library: string } | { skipped: string }> {
  const found = locate();
  if (found) return { library: found };
  if (process.getuid?.() === 0 && globSync('/usr/bin/apt-get').length > 0)
    await promisify(execFile)('bash', [INSTALL, 'libfaketime'], { timeout: INSTALL_LIMIT_MS }).catch(() => undefined);
  const installed = locate();
  if (installed) return { library: installed };
  return { skipped: 'no libfaketime on this machine; install it, for example with: sudo apt-get install libfaketime' };
}

/** Debian has a folder for each architecture. */
const locate = (): string | undefined => globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0];

/** A wall clock that can be set while processes use it. Monotonic time stays correct. */
export class FakeClock implements AsyncDisposable {
  /** The variables of every process that uses this clock. */
  readonly env: Readonly<Record<string, string>>;
  readonly #dir: string;

  private constructor(library: string, dir: string) {
    this.#dir = dir;
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(dir, 'offset'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  static async start(library: string, offsetMs: number): Promise<FakeClock> {
    const clock = new FakeClock(library, await mkdtemp(join(tmpdir(), 'clock-')));
    await clock.set(offsetMs);
    return clock;
  }

  /** Sets the clock's offset from the true time. */
  async set(offsetMs: number): Promise<void> {
    const [file, next] = [this.env.FAKETIME_TIMESTAMP_FILE!, join(this.#dir, 'next')];
    await writeFile(next, `${offsetMs < 0 ? '' : '+'}${(offsetMs / 1000).toFixed(3)}\n`);
    // An atomic rename, so that no process reads half of the file.
    await rename(next, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#dir, { recursive: true });
  }
}
