import { type Html, html } from '../lib/html.ts';

/** What a row of `notification_queue` is about, as text; the table has no column for it. */
export type RowFacts = Readonly<Record<string, string>>;

/**
 * The facts stand behind the text, in a link to nowhere that has no text of its own. A person who reads the row sees the message, and a
 * worker that does not know of them sends it as it is: Telegram drops an entity of no length (tdlib/td, `parse_html`).
 */
const BEGIN = '<a href="task-worker:about?';
const END = '"></a>';

/** The text with what it is about. */
export function withFacts(text: Html, facts: RowFacts): string {
  return `${text}${BEGIN}${html`${new URLSearchParams(facts).toString()}`}${END}`;
}

/** A row's text, and what it is about where it says so. */
export function readRow(message: string): { text: string; facts: RowFacts | undefined } {
  const begin = message.endsWith(END) ? message.lastIndexOf(BEGIN) : -1;
  const query = message.slice(begin + BEGIN.length, -END.length);
  if (begin < 0 || /["<>]/.test(query)) return { text: message, facts: undefined };
  const facts = Object.fromEntries(new URLSearchParams(query.replaceAll('&amp;', '&')));
  return { text: message.slice(0, begin), facts };
}
