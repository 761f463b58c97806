import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL = new URL('../tools/install-servers.sh', import.meta.url).pathname;
/** A download of 40 MB. */
const INSTALL_LIMIT_MS = 300_000;

/**
 * Installs Debian packages without starting a service, as root or a user who may become root. Where it cannot, it says so on standard error, and
 * the program stays missing.
 */
export async function installServers(packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  const [command, ...args] = process.getuid?.() === 0 ? ['bash', INSTALL] : ['sudo', '-n', INSTALL];
  await run(command!, [...args, ...packages], { timeout: INSTALL_LIMIT_MS }).catch((error: Error) =>
    console.error(`${packages.join(' and ')} cannot be installed: ${error.message.split('\n')[0]}`),
  );
}
