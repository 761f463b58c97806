/** A button under a message: it opens a link, or tells the bot that it was tapped. Telegram takes 1 to 64 bytes of data. */
export type TelegramButton = { text: string } & ({ url: string } | { data: string });

export type RowsOfButtons = readonly (readonly TelegramButton[])[];
