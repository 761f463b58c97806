/**
 * English sentences, with `{}` in the place of each value, and what they are in Russian: `{}` the next value, `{0}` the first, `{=}` the next
 * one as it stands, because it is a name.
 */
export type Sayings = Readonly<Record<string, string>>;
