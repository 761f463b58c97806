import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The path of the library in Debian's package `libfaketime`. */
const LIBRARY = '/usr/lib/*/faketime/libfaketime.so.1';

/**
 * The wall clock of processes that are started with `env`: it can be set ahead and back while they run. Monotonic time is unaffected, as
 * when a real clock is set.
 */
export class SkewedClock {
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  private constructor(library: string, file: string) {
    this.#file = file;
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Undefined where libfaketime is not installed. `folder` holds the file that sets the clock. */
  static async find(folder: string): Promise<SkewedClock | undefined> {
    const [library] = globSync(LIBRARY);
    if (library === undefined) return undefined;
    const clock = new SkewedClock(library, join(folder, 'clock'));
    await clock.set(0);
    return clock;
  }

  /** Sets the clock off by whole seconds. The processes notice within a second. */
  async set(offMs: number): Promise<void> {
    const seconds = Math.round(offMs / 1000);
    await writeFile(`${this.#file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    await rename(`${this.#file}.new`, this.#file);
  }
}

const INSTALL = fileURLToPath(new URL('../../tools/install-servers.sh', import.meta.url));

/** Installs libfaketime where that is possible without asking. Elsewhere it says that clocks stay unchanged. */
export async function installClock(): Promise<void> {
  if (globSync(LIBRARY).length > 0) return;
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [command, ...args] = [...asRoot, INSTALL, 'libfaketime'];
  await promisify(execFile)(command!, args).catch(() => {
    console.warn(
      'chaos: no clock will jump, as libfaketime is missing; install it with: sudo apt-get install libfaketime',
    );
  });
}
