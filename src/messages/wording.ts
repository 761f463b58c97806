import { CUSTOMER_TEXTS, type TextName } from '../lib/customer-texts.ts';
import type { Html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { fillTemplate, type TemplateValues } from '../lib/text-template.ts';
import type { ZonedClock } from '../lib/zoned-clock.ts';
import { minuteInUtc } from './time.ts';

/** A text of the owner in place of a built-in one. */
export type OwnText = {
  name: TextName;
  locale: Locale;
  text: string;
  /** Which of the owner's texts it is: `version 3`, or the name of its file. */
  source: string;
};

/** What belongs to the installation and stands in many texts. */
export type House = {
  brand: string;
  supportUrl?: string | undefined;
  /** Where customers renew, in place of the bot. */
  renewUrl?: string | undefined;
  /** Absent: times are told in UTC. */
  clock?: ZonedClock | undefined;
};

const keyOf = (name: TextName, locale: Locale): string => `${name}.${locale}`;

/** How messages to customers are worded at one moment: the owner's texts, where there are any, else the built-in ones. */
export class Wording {
  readonly house: House;
  readonly #own: ReadonlyMap<string, OwnText>;

  constructor(house: House, own: readonly OwnText[] = []) {
    this.house = house;
    this.#own = new Map(own.map((text) => [keyOf(text.name, text.locale), text]));
  }

  own(name: TextName, locale: Locale): OwnText | undefined {
    return this.#own.get(keyOf(name, locale));
  }

  /** The same without the owner's texts. */
  get builtIn(): Wording {
    return new Wording(this.house);
  }

  /** The same with this text in place of the one that it names. */
  with(text: OwnText): Wording {
    return new Wording(this.house, [text]);
  }

  template(name: TextName, locale: Locale): string {
    return this.own(name, locale)?.text ?? CUSTOMER_TEXTS[name].builtIn[locale];
  }

  write(name: TextName, locale: Locale, values: TemplateValues): Html {
    return fillTemplate(this.template(name, locale), {
      brand: this.house.brand,
      support_url: this.house.supportUrl,
      ...values,
    });
  }

  /** A moment to the minute, with its zone. */
  minute(at: Date, locale: Locale): string {
    const { clock } = this.house;
    return clock && clock.zone !== 'UTC' ? `${clock.minute(at)} ${clock.label(at, locale)}` : minuteInUtc(at);
  }
}

/** An installation that nobody has changed. */
export const BUILT_IN_WORDING = new Wording({ brand: 'CyberVPN' });
