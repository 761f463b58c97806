import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ApiRole } from '../../../lib/api-role.ts';
import type { Html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { ZonedClock } from '../../../lib/zoned-clock.ts';
import type { Act } from '../../act.ts';
import type { Caller } from '../auth/guard.ts';
import type { HttpContext } from '../context.ts';
import type { CommonWord } from './words.ts';

/** One text in every language: a missing one does not compile. */
export type Text = Readonly<Record<Locale, string>>;

/** Says a word of the view, or one that all views share, in the reader's language. Each `%` in it is replaced by the next value. */
export type SayWord<W extends string> = (word: W | CommonWord, ...values: readonly (string | number)[]) => string;

/** Where a view stands in the menu. The order of the groups is that of the menu. */
export const NAV_GROUPS = ['now', 'people', 'money', 'network', 'work', 'system'] as const;
export type NavGroup = (typeof NAV_GROUPS)[number];

/** Everything that a page is drawn with, besides its data. */
export type Page<W extends string = never, D extends string = string> = {
  readonly locale: Locale;
  readonly now: Date;
  /** Tells times in the zone that the reader has chosen. */
  readonly clock: ZonedClock;
  readonly person: Caller;
  readonly say: SayWord<W>;
  /** Whether the reader may do what needs this role. */
  may(needs: ApiRole): boolean;
  /** The address of this view with other filters; an empty one is left out. Others stay as they are. */
  link(query: Readonly<Record<string, string | number | undefined>>): string;
  /** The form of a deed, which is a button where it has no fields. Nothing for a reader who may not do it. */
  form(deed: D, options?: FormOptions): Html;
};

export type FormOptions = {
  /** Tells forms of the same deed apart: the id of the row. */
  key?: string;
  /** Sent along, unseen. */
  hidden?: Readonly<Record<string, string>>;
  /** What stands in the fields at first. */
  values?: Readonly<Record<string, string>>;
  /** The person or thing that it is about, for people who only hear the button. */
  about?: string;
};

/** What the address and its query ask for, parsed. */
export type Asked<P, Q, W extends string = never, D extends string = string> = {
  readonly params: P;
  readonly query: Q;
  readonly page: Page<W, D>;
  /** Fires when the answer would be too late. Calls to outside services take it. */
  readonly signal: AbortSignal;
  /** Reads what several parts of the page need, once for all of them. */
  once<T>(name: string, read: () => Promise<T>): Promise<T>;
};

/** A region of a page. Each is loaded apart: one that fails says that it is unknown and why, and the others stand. */
export type Part<Data, P, Q, W extends string, D extends string> = {
  /** Its id in the page; in kebab-case, once in a view. */
  readonly name: string;
  /** Its heading, which also names the region. Absent: the region is named as the view, without a heading of its own. */
  readonly heading?: W | CommonWord;
  /** The least role that sees it, where not everybody who sees the view does. */
  readonly needs?: ApiRole;
  /** Milliseconds after which it is asked for again while it is seen. Absent: it stays as it is. A function where that follows from what was loaded. */
  readonly everyMs?: number | ((data: Data) => number | undefined);
  /** Half of the width where there is room. */
  readonly width?: 'half';
  load(context: HttpContext, asked: Asked<P, Q, W, D>): Promise<Data> | Data;
  draw(data: Data, page: Page<W, D>, asked: Asked<P, Q, W, D>): Html;
};

/** A field of a form, and how its text becomes a value of the schema. An empty field is absent, except for `check`. */
export type Field = {
  readonly label: Text;
  readonly hint?: Text;
  /**
   * - `text`, `area`: text. `secret`: text that is not shown.
   * - `number`: a number. `check`: true or false.
   * - `choice`: one of `options`. `choices`: a list of some of them; none is no condition.
   * - `words`: a short list of texts in one line, separated by commas.
   * - `lines`, `numbers`: a list of texts or numbers, one a line; a file can be put in.
   * - `moment`: a moment typed at the reader's clock, as `2026-03-01T14:05:00.000Z`.
   * - `picture`: a picture that is chosen, as a data URL; or the text that was there before.
   * - `json`: any value.
   * - `submit`: true where the form is sent with this second button, which changes nothing and is not asked about.
   */
  readonly kind:
    | 'text'
    | 'secret'
    | 'area'
    | 'number'
    | 'check'
    | 'choice'
    | 'choices'
    | 'words'
    | 'lines'
    | 'numbers'
    | 'moment'
    | 'picture'
    | 'json'
    | 'submit';
  readonly options?: readonly { readonly value: string; readonly label: Text }[];
  readonly required?: boolean;
  /** Half of the width where there is room. */
  readonly width?: 'half';
};

export type FormOf<F extends z.ZodObject = z.ZodObject> = {
  /** Parses what the fields hold, with what was sent along. */
  readonly schema: F;
  /** The visible fields in order; the others of the schema are sent along as text. */
  readonly fields: Readonly<Partial<Record<string, Field>>>;
};

/** One wish of a person, checked. */
export type Wish<F, P, Q, W extends string, D extends string> = Asked<P, Q, W, D> & {
  readonly form: F;
  readonly caller: Caller;
  readonly request: FastifyRequest;
  /** Records an act, for calls into the API's own functions, which do so themselves. */
  audit(act: Act): Promise<boolean>;
};

/** A question, and what the yes brings back of it, such as the count that it told. */
export type Question = { readonly sentence: string; readonly sent: Readonly<Record<string, string>> };

/** How a deed ended. */
export type Done = {
  /** One sentence that says what was done. */
  readonly receipt: string;
  /** What the audit trail gets; `recorded` where it has it already. */
  readonly act: Act | 'recorded';
  /** The view that shows what came of it. Absent: the reader stays. */
  readonly goTo?: string;
};

/** Something a person can do in a view. */
export type Deed<F extends z.ZodObject, P, Q, W extends string, D extends string> = {
  readonly needs: ApiRole;
  /** The button. */
  readonly label: W | CommonWord;
  /** It destroys, or cannot be taken back. */
  readonly tone?: 'bad';
  /** The largest body in bytes, where it is more than 64 KiB. */
  readonly bodyBytes?: number;
  /** Absent: a button alone. A function where the fields follow from the address. */
  readonly form?: FormOf<F> | ((context: HttpContext, asked: Asked<P, Q, W, D>) => FormOf<F>);
  /** The question before it, which says how many it touches. Undefined: none is needed this time. */
  ask?(
    context: HttpContext,
    wish: Wish<z.output<F>, P, Q, W, D>,
  ): Promise<Question | string | undefined> | Question | string | undefined;
  /** Safe to do twice. A `Problem` or `PermanentError` is told beside the form, and what was typed stays. */
  run(context: HttpContext, wish: Wish<z.output<F>, P, Q, W, D>): Promise<Done>;
};

// biome-ignore-start lint/suspicious/noExplicitAny: the console draws any view, after parsing by the view's own schemas
export type AnyPart = Part<any, any, any, any, any>;
export type AnyDeed = Deed<any, any, any, any, any>;
// biome-ignore-end lint/suspicious/noExplicitAny: see above

/** One view of the console. */
export type ConsoleView = {
  /** The address, as `/tasks/:name`. */
  readonly path: string;
  /** The least role that may see it. */
  readonly needs: ApiRole;
  /**
   * Absent: it is reached from other views only. Views of a group stand in the order of `order`, then of their paths. `bar`: it also stands
   * in the bar of a phone, which has room for four.
   */
  readonly nav?: { readonly group: NavGroup; readonly order?: number; readonly bar?: boolean };
  /** The name of the query parameter by which it finds things. The search of the header goes to the one view that has it. */
  readonly search?: string;
  /** `title` is the heading and stands in the menu. */
  readonly texts: Readonly<Record<string, Text>>;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** The heading, where it is about one thing. */
  heading?(params: Readonly<Record<string, string>>, locale: Locale): string;
  readonly deeds: Readonly<Record<string, AnyDeed>>;
  readonly parts: readonly AnyPart[];
};

type Shape<S> = S extends z.ZodObject ? z.output<S> : Readonly<Record<string, never>>;

type Definition<S, T, W extends string, N extends string, P, Q> = Omit<
  ConsoleView,
  'texts' | 'params' | 'query' | 'heading' | 'deeds' | 'parts'
> & {
  readonly texts: Readonly<Record<W, Text>> & { readonly title: Text };
  readonly params?: S;
  /** Filters. Every field has a default or is optional, since the bare address shows the view too. */
  readonly query?: T;
  heading?(params: P, locale: Locale): string;
  deeds?(build: {
    deed<F extends z.ZodObject = z.ZodObject>(deed: Deed<F, P, Q, W, string>): AnyDeed;
  }): Readonly<Record<N, AnyDeed>>;
  parts(build: { part<Data>(part: Part<Data, P, Q, W, N>): AnyPart }): readonly AnyPart[];
};

/** Makes a view. At compile time it ties what is loaded to what is drawn, and every word to its two languages. */
export function defineView<
  W extends string,
  N extends string = never,
  S extends z.ZodObject | undefined = undefined,
  T extends z.ZodObject | undefined = undefined,
>(view: Definition<S, T, W, N, Shape<S>, Shape<T>>): ConsoleView {
  const deeds = view.deeds?.({ deed: (deed) => deed as AnyDeed }) ?? {};
  return { ...(view as unknown as ConsoleView), deeds, parts: view.parts({ part: (part) => part as AnyPart }) };
}
