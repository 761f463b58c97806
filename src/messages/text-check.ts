import { badText } from '../lib/bad-text.ts';
import { CUSTOMER_TEXTS, type TextName } from '../lib/customer-texts.ts';
import type { Locale } from '../lib/locale.ts';
import { nearest } from '../lib/nearest.ts';
import { visibleText } from '../lib/telegram-html.ts';
import { strayBrace, variablesIn } from '../lib/text-template.ts';
import type { TextVariable } from '../lib/text-variables.ts';
import { htmlProblemIn, showsNothing } from './html-problem-words.ts';
import { MAX_MESSAGE_LENGTH } from './split.ts';
import { SAMPLE_NAMES, sampleText } from './text-samples.ts';
import type { Wording } from './wording.ts';

/** A text as it is written may have so many characters; what is seen of it has less room. */
export const MOST_TEXT_LENGTH = 8_000;
const MOST_SUBJECT_LENGTH = 150;

/** Forms and files end lines in other ways, and a file ends with a line break that its text does not have. */
export function tidyText(text: string): string {
  const lines = text.replaceAll(/\r\n?/g, '\n');
  let end = lines.length;
  while (lines[end - 1] === '\n') end -= 1;
  return lines.slice(0, end);
}

export type ProposedText = { name: TextName; locale: Locale; text: string };

/**
 * Why a text cannot take the place of the built-in one, and what to do, in words that go behind the name of its field; undefined where it
 * can. Asks what the text says, and what becomes of it with the values of customers of every kind.
 */
export function whyWrongText(
  proposed: ProposedText,
  { now, reader, wording }: { now: Date; reader: Locale; wording: Wording },
): string | undefined {
  const { locale, name, text } = proposed;
  const { kind, variables } = CUSTOMER_TEXTS[name];
  const say = (en: string, ru: string): string => ({ en, ru })[reader];
  const bad = badText(text);
  if (bad !== undefined)
    return say(bad, 'содержит недопустимый знак (U+0000 или половину суррогатной пары): уберите его');
  if (showsNothing(text))
    return say('is empty: take the built-in text back instead', 'пуст: вместо этого верните встроенный текст');
  if (text.length > MOST_TEXT_LENGTH)
    return say(
      `has ${text.length} characters as it is written, at most ${MOST_TEXT_LENGTH} are kept: shorten it`,
      `содержит ${text.length} знаков, хранится не больше ${MOST_TEXT_LENGTH}: сократите`,
    );
  const wrong =
    wrongVariables(text, variables, say) ??
    (kind === 'telegram'
      ? (htmlProblemIn(withoutVariables(text), reader) ?? wrongPlaces(text, variables, say))
      : undefined);
  if (wrong !== undefined) return wrong;
  const own = wording.with({ name, locale, text, source: '' });
  for (const isBare of [false, true]) {
    for (const username of SAMPLE_NAMES) {
      const sent = sampleText(name, { username, isBare }, { locale, now, wording: own });
      const why = kind === 'telegram' ? wrongMessage(sent, reader, say) : wrongEmail(sent, say);
      if (why !== undefined) return why;
    }
  }
  return undefined;
}

type Say = (en: string, ru: string) => string;
type Variables = Readonly<Record<string, TextVariable>>;

function wrongVariables(text: string, variables: Variables, say: Say): string | undefined {
  const known = Object.keys(variables);
  const all = known.map((name) => `{${name}}`).join(', ');
  const stray = strayBrace(text);
  if (stray)
    return say(
      `has a brace that names nothing (${stray.piece}): a variable is one of ${all}`,
      `содержит скобку, за которой нет переменной (${stray.piece}): переменные — ${all}`,
    );
  const named = variablesIn(text);
  const unknown = named.find((name) => !Object.hasOwn(variables, name));
  if (unknown !== undefined) {
    const [like] = nearest(unknown, known);
    return say(
      `names {${unknown}}, which this text does not have${like ? `; did you mean {${like}}?` : ''} (it has ${all})`,
      `называет {${unknown}}, которой в этом тексте нет${like ? `; может быть, {${like}}?` : ''} (есть ${all})`,
    );
  }
  const missing = known.find((name) => variables[name]!.isRequired && !named.includes(name));
  return missing === undefined
    ? undefined
    : say(
        `lacks {${missing}}, without which the message is of no use: put it where it belongs`,
        `не содержит {${missing}}, без чего сообщение бесполезно: поставьте её на место`,
      );
}

/** What a tag is judged by before values are known: a variable in an address stands for one. */
const withoutVariables = (text: string): string =>
  text
    .replaceAll(/(href\s{0,40}=\s{0,40}["'])\{[a-z_]{1,40}\}/gi, '$1https://variable.example/')
    .replaceAll(/\{([a-z_0-9]+)\}/g, '$1');

/** A line that may be left out must not carry away half of a tag; a piece with tags of its own cannot stand within one. */
function wrongPlaces(text: string, variables: Variables, say: Say): string | undefined {
  const inTag = [...text.matchAll(/<[^<>]*>/g)].flatMap(([tag]) => variablesIn(tag!));
  const markup = inTag.find((name) => variables[name]?.isMarkup);
  if (markup !== undefined)
    return say(
      `has {${markup}} within a tag, where it cannot stand: it is a whole line of text; use an address variable there`,
      `содержит {${markup}} внутри тега, где ей не место: это целая строка текста; там нужна переменная с адресом`,
    );
  for (const line of text.split('\n')) {
    const optional = variablesIn(line).find((name) => variables[name]?.isOptional);
    if (optional === undefined || htmlProblemIn(withoutVariables(line), 'en') === undefined) continue;
    return say(
      `has a tag that begins in the line of {${optional}} and ends in another; that line is left out where {${optional}} is not known: begin and end the tag within it`,
      `содержит тег, который начинается в строке с {${optional}} и кончается в другой; эта строка исчезает, если {${optional}} неизвестна: откройте и закройте тег внутри неё`,
    );
  }
  return undefined;
}

function wrongMessage(sent: string, reader: Locale, say: Say): string | undefined {
  const wrong = htmlProblemIn(sent, reader);
  if (wrong !== undefined) return wrong;
  const seen = visibleText(sent);
  if (showsNothing(seen))
    return say(
      'shows nothing to a customer of whom the least is known: add a line that is always there',
      'ничего не покажет клиенту, о котором мало известно: добавьте строку, которая есть всегда',
    );
  return seen.length > MAX_MESSAGE_LENGTH
    ? say(
        `becomes ${seen.length} characters with the longest names, a message has ${MAX_MESSAGE_LENGTH} at most: shorten it`,
        `с самыми длинными именами это ${seen.length} знаков, в сообщении не больше ${MAX_MESSAGE_LENGTH}: сократите`,
      )
    : undefined;
}

function wrongEmail(sent: string, say: Say): string | undefined {
  const [subject = '', ...rest] = sent.split('\n\n');
  if (showsNothing(subject) || showsNothing(rest.join('')))
    return say(
      'needs a subject in its first line, an empty line, and the text',
      'должен содержать тему в первой строке, пустую строку и текст',
    );
  return subject.length > MOST_SUBJECT_LENGTH
    ? say(
        `has a subject of ${subject.length} characters, at most ${MOST_SUBJECT_LENGTH} are read: put an empty line behind the first line`,
        `содержит тему в ${subject.length} знаков, читают не больше ${MOST_SUBJECT_LENGTH}: оставьте пустую строку после первой`,
      )
    : undefined;
}
