/** Every further value becomes this one. */
const OTHER = 'other';

/**
 * Bounds the values of a label that somebody else chooses, such as the type of a message: each value is a time series that Prometheus keeps
 * for weeks.
 */
export class BoundedLabel {
  readonly #atMost: number;
  readonly #known = new Set<string>();

  constructor(atMost: number) {
    this.#atMost = atMost;
  }

  /** The value itself where it is well-formed and one of the first that came, else `other`. */
  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#atMost || !/^[a-zA-Z][\w:.-]{0,49}$/.test(value)) return OTHER;
    this.#known.add(value);
    return value;
  }
}
