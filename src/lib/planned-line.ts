/** One step of a plan as a list shows it: what would be done to one subject. */
export type PlannedLine<Effect extends string = string> = {
  /** One of the effects that the task declares. */
  readonly effect: Effect;
  /** Names the subject, also after an upgrade of the panel: a username, a chat, a row, a key, a file. */
  readonly subject: string;
  /** The panel's id of the subject, where that is another. */
  readonly id?: string | undefined;
  /** What a person reads beside it, such as the date at which the subscription ended. */
  readonly detail?: string | undefined;
};

/** Names a line among those of one plan: the same subject may have a reminder and a notice of its traffic. */
export const lineKeyOf = ({ effect, subject }: PlannedLine): string => `${effect}:${subject}`;
