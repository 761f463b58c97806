/** The forms in which a part of a URL may be printed: as written and decoded. */
export function formsOf(written: string): string[] {
  return [...new Set([written, decoded(written)])].filter(Boolean);
}

/** The password of a URL in every form, also as `URL` writes it. With `userIsKey`, a user without a password counts as one. */
export function passwordsIn(url: string, { userIsKey = false } = {}): string[] {
  const written = /^[^/]*\/\/([^/?#]*)@/.exec(url)?.[1] ?? '';
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(written) ?? [];
  const { username: hrefUser, password: hrefPassword } = new URL(url);
  if (password !== '') return [...new Set([password, hrefPassword].flatMap(formsOf))];
  return userIsKey ? [...new Set([user, hrefUser].flatMap(formsOf))] : [];
}

/** A parameter of a URL's query in every form. */
export function parameterForms(url: string, name: string): string[] {
  const written = [...url.matchAll(/[?&]([^=?&#]*)=([^&#]*)/g)].filter(([, key]) => key === name);
  return [
    ...new Set(written.flatMap(([, , value = '']) => [...formsOf(value), ...formsOf(value.replaceAll('+', ' '))])),
  ];
}

function decoded(written: string): string {
  try {
    return decodeURIComponent(written);
  } catch {
    // A stray percent sign: the text is taken literally.
    return written;
  }
}
