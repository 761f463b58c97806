import { join, relative } from 'node:path';
import ts from 'typescript';

/** Something that a file exports, or a public member of it. */
type Candidate = {
  declaration: ts.Declaration;
  /** `Store.find`, or `toText` for what is exported itself. */
  title: string;
  name: string;
  /** A class of which this is an instance member. */
  owner?: ts.ClassDeclaration;
  used: boolean;
};

const isTest = (path: string): boolean => /\.(test|fixture)\.ts$/.test(path) || /(^|\/)src\/testing\//.test(path);

/** A program of `files` (text by path) or, with none, of what ships and of the tools that write shipped files. */
export function shippedProgram(root: string, files?: ReadonlyMap<string, string>): ts.Program {
  const { options, fileNames } = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
    },
  })!;
  if (!files) {
    const ours = fileNames.filter((name) => /^(src|tools\/docs)\//.test(relative(root, name)) && !isTest(name));
    return ts.createProgram(ours, { ...options, incremental: false });
  }
  const planted = new Map([...files].map(([path, text]) => [join(root, path), text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (name) => planted.has(name) || fileExists(name);
  host.readFile = (name) => planted.get(name) ?? readFile(name);
  host.getSourceFile = (name, version) => {
    const text = planted.get(name);
    return text === undefined ? getSourceFile(name, version) : ts.createSourceFile(name, text, version, true);
  };
  return ts.createProgram(
    [...planted.keys()].filter((name) => !isTest(name)),
    { ...options, incremental: false, types: [] },
    host,
  );
}

/**
 * `file: name` of everything exported from `src/`, and of every public member of an exported class or object, that nothing in `program`
 * refers to. A member counts as used where its class can stand for a type whose member of that name is used.
 */
export function unusedMembers(program: ts.Program, root: string): string[] {
  const checker = program.getTypeChecker();
  const files = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.startsWith(root) && !fileName.includes('/node_modules/') && !isTest(fileName));
  const candidates = files
    .filter(({ fileName }) => relative(root, fileName).startsWith('src/'))
    .flatMap((file) => file.statements.flatMap(candidatesOf));
  const byName = Map.groupBy(candidates, ({ name }) => name);
  const byDeclaration = new Map(candidates.map((candidate) => [candidate.declaration as ts.Node, candidate]));
  const places = occurrences(files, byName);

  for (const [name, nodes] of places) {
    const named = byName.get(name)!;
    const signatures = new Set<ts.Node>();
    for (const node of nodes) {
      if (named.every(({ used }) => used)) break;
      for (const declaration of declarationsAt(node, checker)) {
        if (ts.isPropertySignature(declaration) || ts.isMethodSignature(declaration)) signatures.add(declaration);
        const candidate = byDeclaration.get(declaration);
        if (candidate && !isInside(node, declaration)) use(candidate, node);
      }
    }
    for (const candidate of named) candidate.used ||= isContract(candidate, signatures);
  }
  return candidates
    .filter(({ used }) => !used)
    .map(({ declaration, title }) => `${relative(root, declaration.getSourceFile().fileName)}: ${title}`)
    .sort();

  /** An object that is used as a whole uses all of its members. */
  function use(candidate: Candidate, node: ts.Node): void {
    candidate.used = true;
    const object = ts.isVariableDeclaration(candidate.declaration) ? objectOf(candidate.declaration) : undefined;
    if (!object || (ts.isPropertyAccessExpression(node.parent) && node.parent.expression === node)) return;
    for (const property of object.properties) {
      const member = byDeclaration.get(property);
      if (member) member.used = true;
    }
  }

  /** Whether a base class, an interface or a type that asks for this member is used by it. */
  function isContract({ name, owner }: Candidate, signatures: ReadonlySet<ts.Node>): boolean {
    if (!owner) return false;
    const type = checker.getTypeAtLocation(owner);
    const bases = (owner.heritageClauses ?? []).flatMap(({ types }) =>
      types.map((base) => checker.getTypeAtLocation(base)),
    );
    const inherited = bases.flatMap((base) => base.getProperty(name)?.declarations ?? []);
    const isAsked = (base: ts.Declaration): boolean =>
      byDeclaration.get(base)?.used ?? !base.getSourceFile().fileName.startsWith(join(root, 'src/'));
    if (inherited.some(isAsked)) return true;
    return [...signatures].some((signature) =>
      checker.isTypeAssignableTo(type, checker.getTypeAtLocation(signature.parent)),
    );
  }
}

/** What one statement exports, with the members that are public. */
function candidatesOf(statement: ts.Statement): Candidate[] {
  const flags = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  const has = (kind: ts.SyntaxKind): boolean => flags.some((flag) => flag.kind === kind);
  if (!has(ts.SyntaxKind.ExportKeyword) || has(ts.SyntaxKind.DefaultKeyword)) return [];
  const candidate = (declaration: ts.Declaration, name: string, owner?: string): Candidate => ({
    declaration,
    name,
    title: owner === undefined ? name : `${owner}.${name}`,
    used: false,
  });
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap((declaration) => {
      if (!ts.isIdentifier(declaration.name)) return [];
      const { text } = declaration.name;
      const members = (objectOf(declaration)?.properties ?? []).flatMap((property) =>
        property.name && ts.isIdentifier(property.name) ? [candidate(property, property.name.text, text)] : [],
      );
      return [candidate(declaration, text), ...members];
    });
  }
  if (ts.isClassDeclaration(statement)) {
    const { text } = statement.name!;
    const members = statement.members.filter(isPublic).map((member) => ({
      ...candidate(member, (member.name as ts.Identifier).text, text),
      owner: statement,
    }));
    return [candidate(statement, text), ...members];
  }
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement)
  ) {
    return [candidate(statement, statement.name!.text)];
  }
  return [];
}

/** `#private` members and those of a protocol (`[Symbol.asyncDispose]`) have no plain name. */
function isPublic(member: ts.ClassElement): boolean {
  const flags = ts.getCombinedModifierFlags(member);
  return (
    member.name !== undefined &&
    ts.isIdentifier(member.name) &&
    (flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) === 0
  );
}

/** The object literal that a constant is; undefined where a type is written beside it, which hides its own members. */
function objectOf({ initializer, type }: ts.VariableDeclaration): ts.ObjectLiteralExpression | undefined {
  let value = initializer;
  while (value && (ts.isAsExpression(value) || ts.isSatisfiesExpression(value))) value = value.expression;
  return type === undefined && value && ts.isObjectLiteralExpression(value) ? value : undefined;
}

/** Every identifier that is called as a candidate is, by name; imports and exports are no use. */
function occurrences(
  files: readonly ts.SourceFile[],
  names: ReadonlyMap<string, unknown>,
): Map<string, ts.Identifier[]> {
  const found = new Map([...names.keys()].map((name) => [name, [] as ts.Identifier[]]));
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isIdentifier(node)) found.get(node.text)?.push(node);
    else ts.forEachChild(node, visit);
  };
  for (const file of files) ts.forEachChild(file, visit);
  return found;
}

/** What an identifier refers to; nothing where it declares or names a property of a literal. */
function declarationsAt(node: ts.Identifier, checker: ts.TypeChecker): readonly ts.Declaration[] {
  const { parent } = node;
  if (ts.isShorthandPropertyAssignment(parent))
    return declarationsOf(checker.getShorthandAssignmentValueSymbol(parent), checker);
  if (
    ts.isBindingElement(parent) &&
    (parent.propertyName ?? parent.name) === node &&
    ts.isObjectBindingPattern(parent.parent)
  ) {
    return checker.getTypeAtLocation(parent.parent).getProperty(node.text)?.declarations ?? [];
  }
  const isName = (parent as ts.Node & { name?: ts.Node }).name === node;
  if (isName && !ts.isPropertyAccessExpression(parent)) return [];
  return declarationsOf(checker.getSymbolAtLocation(node), checker);
}

function declarationsOf(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): readonly ts.Declaration[] {
  const target = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return target?.declarations ?? [];
}

const isInside = (node: ts.Node, outer: ts.Node): boolean =>
  ts.findAncestor(node, (one) => one === outer) !== undefined;
