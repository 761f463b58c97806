import { createHash } from 'node:crypto';
import countries from 'country-locale-map/countries.json' with { type: 'json' };

/** Degrees as PostgreSQL's `numeric(10,7)` writes them, so that what is stored can be compared with what would be stored. */
export type Spot = { latitude: string; longitude: string };

/**
 * How far from the middle of its country a node is put, in degrees of latitude (11 to 67 km): apart from others on a map of the country,
 * and within all but the smallest countries.
 */
const NEAREST = 0.1;
const FARTHEST = 0.6;

const MIDDLES: ReadonlyMap<string, { latitude: number; longitude: number }> = new Map(
  (countries as readonly { alpha2: string; latitude?: string; longitude?: string }[]).flatMap((country) => {
    const { alpha2, latitude, longitude } = country;
    if (latitude === undefined || longitude === undefined) return [];
    return [[alpha2, { latitude: Number(latitude), longitude: Number(longitude) }]];
  }),
);

/**
 * Where a node of that country (ISO 3166-1 alpha-2) is shown: around the middle, in a direction and distance that follow from the
 * node's uuid, so it stays there while other nodes come and go, and no two lie on top of one another. Undefined where the country
 * is not known.
 */
export function spotOf(nodeUuid: string, countryCode: string): Spot | undefined {
  const middle = MIDDLES.get(countryCode.toUpperCase());
  if (!middle) return undefined;
  const hash = createHash('sha256').update(nodeUuid.toLowerCase()).digest();
  const angle = (hash.readUInt32BE(0) / 2 ** 32) * 2 * Math.PI;
  const distance = NEAREST + (hash.readUInt32BE(4) / 2 ** 32) * (FARTHEST - NEAREST);
  const latitude = Math.max(-89, Math.min(89, middle.latitude + distance * Math.sin(angle)));
  // A degree of longitude is shorter towards the poles.
  const stretch = Math.min(10, 1 / Math.cos((latitude * Math.PI) / 180));
  const longitude = middle.longitude + distance * Math.cos(angle) * stretch;
  return { latitude: latitude.toFixed(7), longitude: (((longitude + 540) % 360) - 180).toFixed(7) };
}
