import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  type MonitoringPrograms,
  missingMonitoringPackages,
  monitoringPrograms,
} from '../../../src/testing/servers/binaries.ts';

const run = promisify(execFile);
const INSTALL = new URL('../../../tools/install-servers.sh', import.meta.url).pathname;
/** A download of 40 MB. */
const INSTALL_LIMIT_MS = 300_000;

/**
 * Prometheus, Alertmanager and their tools. Root, or a user who may become root, installs missing ones without starting a service.
 * Otherwise it throws a one-line error that names the package.
 */
export async function installedPrograms(): Promise<MonitoringPrograms> {
  const packages = missingMonitoringPackages();
  if (packages.length > 0) {
    const [command, ...args] = process.getuid?.() === 0 ? ['bash', INSTALL] : ['sudo', '-n', INSTALL];
    await run(command!, [...args, ...packages], { timeout: INSTALL_LIMIT_MS }).catch((error: Error) =>
      console.error(`${packages.join(' and ')} cannot be installed: ${error.message.split('\n')[0]}`),
    );
  }
  return monitoringPrograms();
}

/** The output of a checking tool for files, and whether it accepts them. */
export async function check(program: string, args: readonly string[]): Promise<{ ok: boolean; text: string }> {
  const { stdout, stderr, code } = await run(program, [...args]).then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { ok: code === 0, text: `${stdout}${stderr}` };
}
