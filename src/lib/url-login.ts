/** Characters that end the part of a URL in which user and password stand, where they are not percent-encoded. */
const ENDS = ['/', '?', '#'] as const;

/** How a character is written where it stands for itself. */
const encoded = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

/**
 * The problem of the user and password in a URL, as the end of a sentence that holds neither; undefined where there is none. A `%`, `/`,
 * `?` or `#` in a password is the most frequent mistake in an address, and what a URL parser says of it is of no help.
 */
export function loginProblem(url: string): string | undefined {
  const rest = /^[a-z][a-z0-9+.-]*:\/\/(.*)$/is.exec(url)?.[1];
  if (rest === undefined) return undefined;
  const login = loginOf(rest);
  const wrong = ENDS.find((character) => login.includes(character)) ?? (hasStrayPercent(login) ? '%' : undefined);
  if (wrong === undefined) return undefined;
  return `has a ${wrong} in its user or password that stands for itself: write it as ${encoded(wrong)}`;
}

/**
 * Everything before the last `@`, where that is meant to be user and password. An `@` of the query belongs to a parameter, which has a `=`
 * before it.
 */
function loginOf(rest: string): string {
  const at = rest.lastIndexOf('@');
  const login = rest.slice(0, Math.max(at, 0));
  const end = login.search(/[/?#]/);
  const isParameter = login.includes('?') && login.slice(login.lastIndexOf('?')).includes('=');
  const authority = end === -1 ? login : login.slice(0, end);
  if (end === -1 || !isParameter) return login;
  return authority.includes('@') ? authority.slice(0, authority.lastIndexOf('@')) : '';
}

const hasStrayPercent = (text: string): boolean => /%(?![0-9a-f]{2})/i.test(text);
