import ts from 'typescript';
import { importsOf, type Sources } from './sources.ts';

/** One figure of the house, with the most that it may be. */
export type Measured = { what: string; is: number; atMost: number; files: readonly string[] };

/** How many files somebody must open for a usual change, counted over what is there. */
export function measured(files: Sources): Measured[] {
  const services = outsideServices(files).sort((a, b) => b.files.length - a.files.length);
  const tasks = [...files.keys()].filter((path) => path.startsWith('tasks/'));
  const wired = tasks.map((path) => filesThatImport(path, files).filter((other) => !other.startsWith('tasks/')));
  const usual = wired.filter((others) => others.length === 0).length;
  return [
    {
      what: `To add a task: its file and its test. ${usual} of ${tasks.length} tasks are named by no other file but tasks that enqueue them`,
      is: 2,
      atMost: 2,
      files: ['src/tasks/<queue>/<task>.ts', 'src/tasks/<queue>/<task>.db.test.ts'],
    },
    {
      what: `To add an outside service; the most that one of those there needs (${services[0]!.name})`,
      is: services[0]!.files.length,
      atMost: 6,
      files: services[0]!.files.map(inSrc),
    },
    {
      what: 'To add a generation of the panel; what the newest one needs',
      is: generationFiles(files).length,
      atMost: 5,
      files: generationFiles(files).map(inSrc),
    },
    {
      what: 'Files that have the whole configuration in hand',
      is: configFiles(files).length,
      atMost: 20,
      files: configFiles(files).map(inSrc),
    },
  ];
}

const inSrc = (path: string): string => `src/${path}`;

const GENERATION = /\b(v3|userV3)\b|\bgeneration\s*[!=]==?\s*\d|\b\d\s*\|\s*3\b/;

/** Files that name the newest generation or ask which generation it is. The text is asked first, because reading code costs more. */
function generationFiles(files: Sources): string[] {
  return [...files]
    .filter(([path, text]) => {
      const isAdapter = /^clients\/remnawave\/v\d+\.ts$/.test(path);
      const newest = path === 'clients/remnawave/v3.ts';
      return newest || (!isAdapter && GENERATION.test(text) && GENERATION.test(codeOf(text)));
    })
    .map(([path]) => path);
}

/** Where a service that is watched has its name and its probe; the compiler wants both. */
const WATCHING = ['messages/monitoring.ts', 'domain/monitoring/compose.ts'];
/** Where `doctor` looks at the services outside. */
const EXAMINING = 'app/doctor/outside.ts';

/**
 * The files that have to know an outside service by its class: the client, where it is built, the settings, where it is examined, and, if
 * it is watched, the probe and its name. The domain code that has use for it is what the service is for, and does not count.
 */
function outsideServices(files: Sources): { name: string; files: string[] }[] {
  const clients = [...files.keys()].filter((path) =>
    /^clients\/([\w-]+\.ts|[\w-]+\/(client|connect|mailer|open-storage)\.ts)$/.test(path),
  );
  return clients
    .filter((path) => path !== 'clients/policy.ts')
    .map((path) => {
      const name = path.split('/')[1]!.replace('.ts', '');
      const builders = filesThatBuild(path, files);
      const watched = WATCHING.filter((other) => new RegExp(`\\b${name}:`).test(files.get(other)!));
      const all = [path, 'config.ts', ...builders, ...watched, EXAMINING];
      return { name, files: [...new Set(all)] };
    });
}

/** Files that make a client: by `new`, or by the function that its file exports for that. */
function filesThatBuild(path: string, files: Sources): string[] {
  const made = [...files.get(path)!.matchAll(/^export (?:class|(?:async )?function) (\w+)/gm)].map(([, name]) => name!);
  const makes = new RegExp(`\\b(?:new (?:${made.join('|')})|(?:connect|open)\\w+)\\(`);
  return filesThatImport(path, files).filter((other) => makes.test(files.get(other)!));
}

const filesThatImport = (path: string, files: Sources): string[] =>
  [...files.keys()].filter((other) => importsOf(other, files).includes(path));

/** Files that are given all settings, and not just those that they use. */
function configFiles(files: Sources): string[] {
  return [...files]
    .filter(([path, text]) => {
      if (path.startsWith('app/')) return /\bconfig\b/.test(codeOf(text));
      if (!importsOf(path, files).includes('config.ts')) return false;
      return /(?<!Pick < )\bConfig\b(?! ,)/.test(codeOf(text).replace(/import [^;]*;/g, ''));
    })
    .map(([path]) => path);
}

/** The words of the code: no comments and no strings. */
function codeOf(text: string): string {
  const words: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) return;
    if (node.getChildCount() === 0) words.push(node.getText());
    else for (const child of node.getChildren()) visit(child);
  };
  visit(ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true));
  return words.join(' ');
}
