import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isTextName, type TextName } from '../../lib/customer-texts.ts';
import { LOCALES, type Locale } from '../../lib/locale.ts';
import { MOST_TEXT_LENGTH, tidyText } from '../../messages/text-check.ts';

/** A text of the folder, by the name of its file: `reminder.en.html`, `email_code.ru.txt`. */
export type FolderText = { name: TextName; locale: Locale; file: string; text: string };

/** A file that is no text of ours. */
export type StrayFile = { file: string; why: 'name' | 'unreadable' };

const FILE = /^([a-z_]+)\.([a-z]{2})\.(?:html|txt)$/;
const MOST_FILES = 500;
/** Bytes; a text has fewer characters. */
const MOST_BYTES = MOST_TEXT_LENGTH * 4;

/** Reads all texts of a folder. A file that cannot be read is named, and the others stand. Rejects where the folder cannot be listed. */
export async function readTextFolder(folder: string): Promise<{ texts: FolderText[]; stray: StrayFile[] }> {
  const files = (await readdir(folder)).filter((file) => !file.startsWith('.') && !file.startsWith('README'));
  const texts: FolderText[] = [];
  const stray: StrayFile[] = [];
  for (const file of files.toSorted().slice(0, MOST_FILES)) {
    const [, name = '', language] = FILE.exec(file) ?? [];
    const locale = LOCALES.find((one) => one === language);
    if (!isTextName(name) || locale === undefined) {
      stray.push({ file, why: 'name' });
      continue;
    }
    const bytes = await readFile(join(folder, file)).catch(() => undefined);
    if (!bytes || bytes.length > MOST_BYTES) stray.push({ file, why: 'unreadable' });
    else texts.push({ name, locale, file, text: tidyText(bytes.toString('utf8')) });
  }
  return { texts, stray };
}
