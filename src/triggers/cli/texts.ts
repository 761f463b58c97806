import { readFile } from 'node:fs/promises';
import { CUSTOMER_TEXTS, type TextName } from '../../lib/customer-texts.ts';
import { LOCALES, type Locale } from '../../lib/locale.ts';
import type { HistoryContext } from '../history.ts';
import { isKnownText, type TextsContext } from '../texts.ts';
import { type Command, type CommandArgs, type PersonContext, table, UsageError, wordAt } from './command.ts';

/** Texts to customers. */
export type TextCommandContext = PersonContext & { history: Pick<HistoryContext, 'missing'>; texts: TextsContext };

export const textCommands: readonly Command<TextCommandContext>[] = [
  {
    name: 'texts',
    usage: '[show NAME | save NAME --file FILE | restore NAME [--version N]] [--locale en|ru]',
    maxWords: 2,
    summary: 'List texts that customers read, show one, put another in its place, or take it back',
    options: { locale: { type: 'string' }, file: { type: 'string' }, version: { type: 'string' } },
    async run(args, context, { print }) {
      const [verb] = args.words;
      const { states, stray } = await context.texts.states();
      if (verb === undefined) {
        const rows = states.map(({ from, locale, name, version, why }) => [
          ...[name, locale, from, String(version?.version ?? ''), why ?? ''],
        ]);
        const strays = stray.map(({ file }) => `TEXTS_DIR: ${file} is no text, or cannot be read`);
        print({ texts: states, stray }, [
          ...table([['NAME', 'LANGUAGE', 'FROM', 'VERSION', 'NOT USED BECAUSE IT'], ...rows]),
          ...strays,
        ]);
        return 0;
      }
      const { locale, name } = textNamed(args);
      if (verb === 'show') {
        const state = states.find((one) => one.name === name && one.locale === locale);
        const text = state?.text ?? CUSTOMER_TEXTS[name].builtIn[locale];
        print({ ...state, text }, text.split('\n'));
        return 0;
      }
      if (verb !== 'save' && verb !== 'restore')
        throw new UsageError(`texts can list, show, save and restore, not '${verb}'`);
      const missing = await context.history.missing();
      if (missing) throw new Error(missing.en);
      const text =
        verb === 'save'
          ? await textOf(args, context, { name, locale })
          : await earlier(args, context, { name, locale });
      const version = await context.texts.save({ name, locale, text, by: context.caller });
      if (version === undefined) throw new Error(`Somebody saved ${name} at this moment; try again`);
      const isBack = text === undefined;
      await context.record({
        action: `text.${verb === 'save' ? 'saved' : 'restored'}`,
        ...{ entityType: 'text', entityId: name },
        details: { locale, version, ...(isBack && { taken_back: true }) },
      });
      print({ name, locale, version }, [
        isBack
          ? `${name} (${locale}) is taken back (version ${version})`
          : `${name} (${locale}) is in force as version ${version}`,
      ]);
      return 0;
    },
  },
];

type Named = { name: TextName; locale: Locale };

function textNamed(args: CommandArgs): Named {
  const name = wordAt(args, 1, 'The name of the text');
  if (!isKnownText(name)) throw new UsageError(`There is no text '${name}'; \`task-worker texts\` lists them`);
  const locale = LOCALES.find((one) => one === (args.options.locale ?? 'en'));
  if (locale === undefined) throw new UsageError(`--locale is ${LOCALES.join(' or ')}`);
  return { name, locale };
}

async function textOf({ options }: CommandArgs, { texts }: TextCommandContext, named: Named): Promise<string> {
  if (typeof options.file !== 'string') throw new UsageError('--file says where the text is');
  const file = options.file;
  const read = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`--file: ${file} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`);
  });
  const why = texts.whyWrong({ ...named, text: read }, 'en');
  if (why !== undefined) throw new UsageError(`--file: the text ${why}`);
  return read;
}

/** The text of an earlier version; undefined to take it back. */
async function earlier(
  { options }: CommandArgs,
  { texts }: TextCommandContext,
  named: Named,
): Promise<string | undefined> {
  if (options.version === undefined) return undefined;
  const wanted = /^[1-9]\d{0,6}$/.test(String(options.version)) ? Number(options.version) : undefined;
  if (wanted === undefined) throw new UsageError('--version is a number');
  const found = await texts.find(named.name, named.locale, wanted);
  if (!found) throw new UsageError(`${named.name} has no version ${wanted} in ${named.locale}`);
  const why = found.text === undefined ? undefined : texts.whyWrong({ ...named, text: found.text }, 'en');
  if (why !== undefined) throw new UsageError(`Version ${wanted} cannot be used any more: it ${why}`);
  return found.text;
}
