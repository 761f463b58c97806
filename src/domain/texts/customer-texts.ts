import { isTextName, TEXT_NAMES, type TextName } from '../../lib/customer-texts.ts';
import { within } from '../../lib/deadline.ts';
import { days, seconds } from '../../lib/duration.ts';
import { errorCode } from '../../lib/errors.ts';
import { LOCALES, type Locale } from '../../lib/locale.ts';
import { textFailed } from '../../messages/text-alerts.ts';
import { type ProposedText, tidyText, whyWrongText } from '../../messages/text-check.ts';
import { SAMPLE_NAMES, sampleText } from '../../messages/text-samples.ts';
import { type House, type OwnText, Wording } from '../../messages/wording.ts';
import type { Log } from '../../observability/log.ts';
import type { CustomerTextRows, TextVersion } from '../../repositories/history/customer-text-rows.ts';
import type { TextState } from '../../triggers/texts.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import { type FolderText, readTextFolder, type StrayFile } from './text-folder.ts';

export type CustomerTextsOptions = {
  alerts: Pick<AdminAlerts, 'raise'>;
  rows: Pick<CustomerTextRows, 'add' | 'find' | 'newest' | 'versions'>;
  /** Where files with texts lie, if anywhere. */
  folder: string | undefined;
  house: House;
  clock(): Date;
  log: Log;
  /** Where people reach the console. */
  publicUrl: string | undefined;
};

/** Every process knows of a change after this, where it sends anything. */
const FRESH_MS = seconds(10);
/** A delivery waits no longer for the database or the folder: it then goes on with what was last known. */
const READY_WITHIN_MS = seconds(1);
const TOLD_AGAIN_AFTER_MS = days(7);
/** PostgreSQL's answers where our schema is not installed, is older, or is not ours to read. */
const NO_TABLE: ReadonlySet<string> = new Set(['42P01', '3F000', '42501']);

type Own = OwnText & { from: 'page' | 'folder' };

/**
 * The texts of the owner. One made on the page comes before a file of the folder, and that before the built-in text. While PostgreSQL or the
 * folder is away what was last known holds. A text that is broken is not used: the next in that order is, and the admins are told once.
 */
export class CustomerTexts {
  readonly #options: CustomerTextsOptions;
  #versions: readonly TextVersion[] = [];
  #files: readonly FolderText[] = [];
  #stray: readonly StrayFile[] = [];
  #wording: Wording;
  /** Why a text cannot be used, by text and source: found at its check, or when it was sent. */
  #wrong = new Map<string, string | undefined>();
  #readAt: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: CustomerTextsOptions) {
    this.#options = options;
    this.#wording = new Wording(options.house);
  }

  /** As last known. Has what changed read in the background. */
  get wording(): Wording {
    void this.#fresh();
    return this.#wording;
  }

  /** Waits a second at most until what is known is not older than ten. Never throws. */
  async ready(): Promise<void> {
    await within(READY_WITHIN_MS, this.#fresh()).catch(() => undefined);
  }

  /** Says that a text could not be sent. It is not used any more until it is changed; the admins are told once. */
  failed(own: OwnText, why: string): void {
    const key = keyOf(own);
    if (this.#wrong.get(key) !== undefined) return;
    this.#wrong.set(key, why);
    this.#settle();
    this.#tell(own, why);
  }

  /** Every text in every language, as it is now. */
  async states(): Promise<{ states: readonly TextState[]; stray: readonly StrayFile[] }> {
    await this.#read();
    const states = TEXT_NAMES.flatMap((name) => LOCALES.map((locale) => this.#stateOf(name, locale)));
    return { states, stray: this.#stray };
  }

  /** The newest first, of both languages. Throws where our schema is not there. */
  versions(name: TextName, limit: number): Promise<TextVersion[]> {
    return this.#options.rows.versions(name, limit);
  }

  /** Why a text cannot be used, in the language of its author. */
  whyWrong(proposed: ProposedText, reader: Locale): string | undefined {
    const text = tidyText(proposed.text);
    return whyWrongText({ ...proposed, text }, { now: this.#options.clock(), reader, wording: this.#wording });
  }

  /** A text as customers of every kind would read it, by their names; the last one is known the least. */
  preview({ locale, name, text }: ProposedText): readonly { username: string; text: string }[] {
    const wording = this.#wording.with({ name, locale, text: tidyText(text), source: '' });
    const now = this.#options.clock();
    const readers = [
      ...SAMPLE_NAMES.map((username) => ({ username, isBare: false })),
      { username: 'eve', isBare: true },
    ];
    return readers.map((reader) => ({
      username: reader.username,
      text: sampleText(name, reader, { locale, now, wording }),
    }));
  }

  /**
   * Puts a text in force, which must have been checked. Without `text` it is taken back. Answers its version; undefined where somebody has
   * saved another one since version `after`.
   */
  async save(
    proposed: Omit<TextVersion, 'at' | 'version'> & { after?: number | undefined },
  ): Promise<number | undefined> {
    const text = proposed.text === undefined ? undefined : tidyText(proposed.text);
    const version = await this.#options.rows.add({ ...proposed, text, at: this.#options.clock() });
    await this.#read();
    return version;
  }

  find(name: TextName, locale: Locale, version: number): Promise<TextVersion | undefined> {
    return this.#options.rows.find(name, locale, version);
  }

  /** One question at a time, and the next one ten seconds after it began. Never rejects. */
  #fresh(): Promise<void> {
    const isFresh = this.#readAt !== undefined && performance.now() - this.#readAt < FRESH_MS;
    if (isFresh) return this.#reading ?? Promise.resolve();
    return this.#read();
  }

  #read(): Promise<void> {
    this.#readAt = performance.now();
    const reading = Promise.all([this.#readVersions(), this.#readFolder()]).then(() => this.#settle());
    this.#reading = reading;
    return reading;
  }

  async #readVersions(): Promise<void> {
    const { log, rows } = this.#options;
    try {
      this.#versions = await rows.newest();
    } catch (err) {
      if (NO_TABLE.has(errorCode(err) ?? '')) this.#versions = [];
      else log.warn({ err }, 'texts to customers cannot be read, those that were last known hold');
    }
  }

  async #readFolder(): Promise<void> {
    const { folder, log } = this.#options;
    if (folder === undefined) return;
    try {
      const { stray, texts } = await readTextFolder(folder);
      this.#files = texts;
      this.#stray = stray;
    } catch (err) {
      log.warn({ err, folder }, 'TEXTS_DIR cannot be read, the texts that were last known hold');
    }
  }

  /** Works out what is in force. A text is checked when it is seen for the first time. */
  #settle(): void {
    const all = [...this.#own()];
    const known = this.#wrong;
    this.#wrong = new Map(
      all.map((own) => [keyOf(own), known.has(keyOf(own)) ? known.get(keyOf(own)) : this.#judge(own)]),
    );
    const sound = all.filter((own) => this.#wrong.get(keyOf(own)) === undefined);
    // The last one of a name holds: pages come last.
    this.#wording = new Wording(this.#options.house, sound);
  }

  #judge(own: Own): string | undefined {
    const why = this.whyWrong(own, 'en');
    if (why !== undefined) this.#tell(own, why);
    return why;
  }

  *#own(): Generator<Own> {
    for (const { file, ...text } of this.#files) yield { ...text, source: file, from: 'folder' };
    for (const { locale: language, name, text, version } of this.#versions) {
      const locale = LOCALES.find((one) => one === language);
      if (locale === undefined || !isTextName(name) || text === undefined) continue;
      yield { name, locale, text, source: `version ${version}`, from: 'page' };
    }
  }

  #stateOf(name: TextName, locale: Locale): TextState {
    const isThis = (one: { name: string; locale: string }): boolean => one.name === name && one.locale === locale;
    const mine = [...this.#own()].filter(isThis).toReversed();
    const held = mine.find((own) => this.#wrong.get(keyOf(own)) === undefined);
    const broken = mine.find((own) => this.#wrong.get(keyOf(own)) !== undefined);
    return {
      ...{ name, locale },
      from: held?.from ?? 'built_in',
      text: held?.text,
      version: this.#versions.find(isThis),
      file: this.#files.find(isThis),
      why: broken && this.#wrong.get(keyOf(broken)),
    };
  }

  #tell({ locale, name, source }: OwnText, why: string): void {
    const { alerts, clock, log, publicUrl } = this.#options;
    log.warn({ text: name, locale, source, why }, 'a text to customers is broken and is not used');
    void alerts.raise({
      kind: 'text_broken',
      subject: `${name}.${locale} ${source}`,
      severity: 'warning',
      at: clock(),
      message: (reader) => textFailed({ name, locale, source, why, publicUrl }, reader),
      onceWithinMs: TOLD_AGAIN_AFTER_MS,
    });
  }
}

const keyOf = ({ locale, name, source, text }: OwnText): string => `${name}.${locale} ${source} ${text}`;
