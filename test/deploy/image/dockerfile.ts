import { matchesGlob } from 'node:path';

export type Instruction = {
  /** In capitals: `COPY`. */
  readonly name: string;
  /** `--from=build` as `from: build`. */
  readonly flags: Readonly<Record<string, string>>;
  /** Everything after the flags, in one line. */
  readonly text: string;
};

export type Stage = { readonly name: string; readonly base: string; readonly instructions: readonly Instruction[] };

export type Dockerfile = { readonly args: ReadonlyMap<string, string>; readonly stages: readonly Stage[] };

/** Reads the part of the language that our Dockerfile uses. Throws on a line that it cannot read. */
export function parseDockerfile(text: string): Dockerfile {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter(Boolean);
  const args = new Map<string, string>();
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const instruction of lines.map(readInstruction)) {
    if (instruction.name === 'FROM') {
      const [base = '', , name = `${stages.length}`] = substitute(instruction.text, args).split(' ');
      stages.push({ name, base, instructions: [] });
    } else if (stages.length > 0) stages.at(-1)!.instructions.push(instruction);
    else args.set(...assignment(instruction.text));
  }
  return { args, stages };
}

/** `NAME=value`, the value without its quotes. */
function assignment(text: string): [string, string] {
  const [, name = '', value = ''] = /^([\w.]+)=(.*)$/.exec(text) ?? [];
  return [name, value.replace(/^"(.*)"$/, '$1')];
}

/** `A=1 B="two words"` of ENV and LABEL. */
export function assignments(text: string): [string, string][] {
  return [...text.matchAll(/[\w.]+=(?:"[^"]*"|\S+)/g)].map(([pair]) => assignment(pair));
}

/** Puts values in the places of `${NAME}`. */
export function substitute(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? '');
}

/** Whether a path of the build's folder is left out by a `.dockerignore`: the last line that fits it or a folder above it decides. */
export function isIgnored(path: string, dockerignore: string): boolean {
  const parts = path.split('/');
  const withFolders = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  return dockerignore
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .reduce((ignored, line) => {
      const pattern = line.replace(/^!/, '');
      return withFolders.some((folder) => matchesGlob(folder, pattern)) ? !line.startsWith('!') : ignored;
    }, false);
}

function readInstruction(line: string): Instruction {
  const [, name, flags = '', text] = /^([A-Z]+) +((?:--\S+ +)*)(.*)$/.exec(line) ?? [];
  if (name === undefined || text === undefined) throw new Error(`not a Dockerfile instruction: ${line}`);
  const pairs = [...flags.matchAll(/--([\w-]+)=(\S+)/g)].map(([, flag, value]) => [flag!, value!]);
  return { name, text, flags: Object.fromEntries(pairs) };
}
