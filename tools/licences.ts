/**
 * `node tools/licences.ts <node_modules>` lists the licences of the packages there, and ends with 1 where one may not ship. The image's
 * build runs it before our other files exist, so it imports only Node's own modules.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Shipped = { readonly name: string; readonly version: string; readonly licence: string };

/** Permissive licences, and MPL-2.0, which binds changes to its own files only. AGPL and GPL bind the programs that they ship with. */
const MAY_SHIP: ReadonlySet<string> = new Set([
  '0BSD',
  // The same licence, as htmx names it.
  'BSD-0-Clause',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
  'MPL-2.0',
]);

/** Licences with custom texts that were reviewed: the fonts are under Bitstream Vera's, which lets them ship unchanged. */
const READ: ReadonlyMap<string, string> = new Map([['dejavu-fonts-ttf', 'SEE LICENSE IN README.md AND LICENSE']]);

/** Every package in a `node_modules`, including those inside other packages. */
export function packagesIn(folder: string): Shipped[] {
  return globSync(['{*,@*/*}', '**/node_modules/{*,@*/*}'], { cwd: folder })
    .filter((path) => !/(^|\/)(@[^/]+|\.[^/]*)$/.test(path) && existsSync(join(folder, path, 'package.json')))
    .map((path) => {
      const { name, version, license, licenses } = JSON.parse(readFileSync(join(folder, path, 'package.json'), 'utf8'));
      const said = license ?? licenses ?? 'not said';
      return { name, version, licence: typeof said === 'string' ? said : JSON.stringify(said) };
    });
}

/** The packages that may not ship, including those without a licence. */
export function refused(packages: readonly Shipped[]): Shipped[] {
  return packages.filter(({ licence, name }) => !(allows(licence) || READ.get(name) === licence));
}

/** An SPDX expression of one level: `(MIT OR GPL-2.0)` is a choice, `MIT AND ISC` is both. */
function allows(expression: string): boolean {
  return expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((licence) => MAY_SHIP.has(licence.trim())));
}

if (import.meta.main) {
  const all = packagesIn(process.argv[2] ?? 'node_modules');
  const bad = refused(all);
  for (const { licence, name, version } of bad)
    console.error(`${name}@${version} may not ship: its licence is ${licence}`);
  console.log(`${all.length} packages, ${bad.length} of which may not ship`);
  if (all.length === 0 || bad.length > 0) process.exitCode = 1;
}
