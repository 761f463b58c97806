import { posix } from 'node:path';
import ts from 'typescript';
import type { Sources } from './sources.ts';

const OPTIONS = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts'],
  types: [],
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
} satisfies ts.CompilerOptions;

/** Parsed once, however many programs there are: a planted mistake changes one file of hundreds. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/**
 * These sources as the compiler understands them, under the paths that they have. Packages are left out, so their types are `any`:
 * with them the same would take five times as long.
 */
export function programOf(files: Sources): ts.Program {
  const base = ts.createCompilerHost(OPTIONS);
  const file = (name: string): ts.SourceFile | undefined => {
    const text = files.get(name);
    // Of everything else only the language's own declarations are wanted.
    if (text === undefined && !posix.basename(name).startsWith('lib.')) return undefined;
    const before = parsed.get(name);
    if (before && (text === undefined || before.text === text)) return before;
    const after =
      text === undefined
        ? base.getSourceFile(name, OPTIONS.target)
        : ts.createSourceFile(name, text, OPTIONS.target, true);
    parsed.set(name, after);
    return after;
  };
  const resolved = (from: string, name: string): ts.ResolvedModuleWithFailedLookupLocations => {
    const resolvedFileName = posix.join(posix.dirname(from), name);
    const isOurs = name.startsWith('.') && files.has(resolvedFileName);
    return {
      resolvedModule: isOurs ? { resolvedFileName, extension: '.ts', isExternalLibraryImport: false } : undefined,
    };
  };
  return ts.createProgram([...files.keys()], OPTIONS, {
    ...base,
    getCurrentDirectory: () => '',
    fileExists: (name) => files.has(name),
    readFile: (name) => files.get(name),
    getSourceFile: file,
    resolveModuleNameLiterals: (literals, from) => literals.map(({ text }) => resolved(from, text)),
  });
}
