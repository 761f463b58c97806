const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/**
 * Bytes of an amount as the panel writes it for people: "0 B", "1.23 GiB", "-4 KiB", or bare digits. Units are powers of
 * 1024 with or without the `i`. `undefined` = no such amount.
 */
export function bytesOfText(text: string): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)\s?([KMGTPE]?)i?B?$/i.exec(text.trim());
  if (!match) return undefined;
  const power = UNITS.indexOf(match[2]!.toUpperCase());
  return Math.round(Number(match[1]) * 1024 ** power);
}
