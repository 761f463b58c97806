import ts from 'typescript';
import { programOf } from './program.ts';
import type { Sources } from './sources.ts';

/** A piece of code, and how one gets there from a transaction. */
type Reached = { code: ts.Node; trail: readonly string[] };

/**
 * Client calls that can happen while a transaction is open, as `file:line > through > Client.method`. What is given to
 * `transaction().execute(…)` is followed through every function of ours that it names, as the compiler resolves the names; where only
 * a signature is known, through everything in these files that is called so.
 */
export function callsWithinTransactions(files: Sources): string[] {
  return new Transactions(files).clientCalls();
}

/** Files that keep a transaction open in another way, where what happens meanwhile cannot be followed. */
export function openedByHand(files: Sources): string[] {
  return [...files]
    .filter(([, text]) => /['"`]\s*begin\b|\bstartTransaction\(|\)\s*\.stream\(/i.test(text))
    .map(([path]) => path);
}

class Transactions {
  readonly #files: readonly ts.SourceFile[];
  readonly #checker: ts.TypeChecker;
  readonly #seen = new Set<ts.Node>();
  readonly #waiting: Reached[] = [];
  readonly #found = new Set<string>();
  #named: Map<string, ts.Node[]> | undefined;

  constructor(files: Sources) {
    const program = programOf(files);
    this.#checker = program.getTypeChecker();
    this.#files = program.getSourceFiles().filter(({ fileName }) => files.has(fileName));
  }

  clientCalls(): string[] {
    for (const file of this.#files) {
      // Most files open none; only those that do are worth a walk.
      if (!file.text.includes('.transaction(')) continue;
      walk(file, (node) => {
        if (!ts.isCallExpression(node) || !opensTransaction(node)) return;
        const { line } = file.getLineAndCharacterOfPosition(node.getStart());
        for (const work of node.arguments) this.#follow(work, [`${file.fileName}:${line + 1}`]);
      });
    }
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) this.#read(next);
    return [...this.#found];
  }

  #follow(code: ts.Node, trail: readonly string[]): void {
    if (this.#seen.has(code)) return;
    this.#seen.add(code);
    this.#waiting.push({ code, trail });
  }

  /** Every function that this code names: it calls it, or hands it to somebody who may. */
  #read({ code, trail }: Reached): void {
    walk(code, (node) => {
      if (!ts.isIdentifier(node) && !ts.isPrivateIdentifier(node)) return;
      const symbol = this.#checker.getSymbolAtLocation(node);
      const declarations = symbol && this.#declarationsOf(symbol);
      if (!declarations?.length) {
        if (node.text === 'fetch' && isCallee(node)) this.#found.add([...trail, 'fetch'].join(' > '));
        return;
      }
      for (const declaration of declarations) this.#reach(declaration, node.text, trail);
    });
  }

  #reach(declaration: ts.Declaration, name: string, trail: readonly string[]): void {
    const path = declaration.getSourceFile().fileName;
    const isOurs = this.#files.includes(declaration.getSourceFile());
    if (!isOurs) return;
    const here = [...trail, fullName(declaration, name)];
    if (path.startsWith('clients/') && isMember(declaration)) {
      this.#found.add(here.join(' > '));
    } else if (ts.isParameter(declaration)) {
      for (const given of this.#givenFor(declaration)) this.#follow(given, here);
    } else if (ts.isClassDeclaration(declaration)) {
      for (const member of declaration.members) if (ts.isConstructorDeclaration(member)) this.#follow(member, here);
    } else if (isSignature(declaration)) {
      for (const one of this.#allNamed(name)) this.#follow(one, here);
    } else if (isFunction(declaration)) {
      this.#follow(declaration, here);
    } else if (
      ts.isVariableDeclaration(declaration) &&
      declaration.initializer &&
      isFunction(declaration.initializer)
    ) {
      this.#follow(declaration.initializer, here);
    }
  }

  /** Through imports, and through `const { send } = sender` to the member itself. */
  #declarationsOf(symbol: ts.Symbol): readonly ts.Declaration[] {
    const target = symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
    return (target.declarations ?? []).flatMap((declaration): readonly ts.Declaration[] => {
      if (!ts.isBindingElement(declaration)) return [declaration];
      const name = (declaration.propertyName ?? declaration.name).getText();
      return this.#checker.getTypeAtLocation(declaration.parent).getProperty(name)?.declarations ?? [];
    });
  }

  /** What callers give for this parameter, where it is something to call. */
  #givenFor(parameter: ts.ParameterDeclaration): ts.Node[] {
    if (!parameter.type || !ts.isFunctionTypeNode(parameter.type)) return [];
    const owner = parameter.parent;
    const place = owner.parameters.indexOf(parameter);
    return this.#files.flatMap((file) => {
      const given: ts.Node[] = [];
      walk(file, (node) => {
        if (!ts.isCallExpression(node) || node.arguments.length <= place) return;
        if (this.#checker.getResolvedSignature(node)?.declaration === owner) given.push(node.arguments[place]!);
      });
      return given;
    });
  }

  /** Functions of this name in classes and object literals: one of them may stand behind a signature. */
  #allNamed(name: string): readonly ts.Node[] {
    if (!this.#named) {
      this.#named = new Map();
      for (const file of this.#files) {
        walk(file, (node) => {
          const body = ts.isPropertyAssignment(node) ? node.initializer : node;
          if (!(ts.isMethodDeclaration(node) || ts.isPropertyAssignment(node)) || !isFunction(body)) return;
          const key = node.name.getText();
          this.#named!.set(key, [...(this.#named!.get(key) ?? []), body]);
        });
      }
    }
    return this.#named.get(name) ?? [];
  }
}

/** `Class.method` for what has an owner with a name. */
function fullName({ parent }: ts.Declaration, name: string): string {
  const owner = ts.isTypeLiteralNode(parent) ? parent.parent : parent;
  const isNamed = ts.isClassDeclaration(owner) || ts.isInterfaceDeclaration(owner) || ts.isTypeAliasDeclaration(owner);
  return isNamed && owner.name ? `${owner.name.text}.${name}` : name;
}

/** Types are left out: naming a type calls nothing. */
function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** `….transaction()….execute(…)` */
function opensTransaction({ expression }: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(expression) || expression.name.text !== 'execute') return false;
  for (let link = expression.expression; ts.isCallExpression(link); link = link.expression.expression) {
    if (!ts.isPropertyAccessExpression(link.expression)) return false;
    if (link.expression.name.text === 'transaction') return true;
  }
  return false;
}

const isCallee = (node: ts.Node): boolean => ts.isCallExpression(node.parent) && node.parent.expression === node;

const isFunction = (node: ts.Node): boolean => ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;

/** A method, or a field that holds a function; what a client says of itself calls nobody. */
const isMember = (node: ts.Declaration): boolean =>
  ts.isMethodDeclaration(node) || isSignature(node) || (ts.isPropertyDeclaration(node) && holdsFunction(node));

const isSignature = (node: ts.Declaration): boolean =>
  ts.isMethodSignature(node) || (ts.isPropertySignature(node) && holdsFunction(node)) || isAbstract(node);

const isAbstract = (node: ts.Declaration): boolean => ts.isMethodDeclaration(node) && node.body === undefined;

const holdsFunction = ({ type }: ts.PropertySignature | ts.PropertyDeclaration): boolean =>
  type !== undefined && ts.isFunctionTypeNode(type);
