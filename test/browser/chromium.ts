import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const INSTALL = fileURLToPath(new URL('../../tools/install-servers.sh', import.meta.url));
/** A download of about 100 MB. */
const INSTALL_LIMIT_MS = 300_000;

/**
 * The machine's Chromium, which root on a Debian installs if it is missing. Undefined where it cannot be installed, with the reason on
 * standard error.
 */
export async function findChromium(): Promise<string | undefined> {
  const found = locate(NAMES);
  if (found) return found;
  if (process.getuid?.() === 0 && locate(['apt-get'])) {
    await promisify(execFile)('bash', [INSTALL, 'chromium'], { timeout: INSTALL_LIMIT_MS }).catch((error: Error) =>
      console.error(`chromium cannot be installed: ${error.message.split('\n')[0]}`),
    );
  }
  const installed = locate(NAMES);
  if (!installed)
    console.error('No Chromium on this machine; install it, for example with: sudo apt-get install chromium');
  return installed;
}

/** Starts it without a window. Chromium's own sandbox does not work for root. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return await chromium.launch({ executablePath, args: [...asRoot, '--disable-dev-shm-usage'] });
}

function locate(names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
