import { z } from 'zod';
import { spotOf } from '../../domain/monitoring/node-locations.ts';
import { days, minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/**
 * Gives every node a place on the map. The task derives its values from the node's uuid and country alone. A row is ours where it holds
 * exactly the values for its own country, without a city; any other row was corrected by hand and stays as it is.
 */
export default defineTask({
  name: 'sync_server_geolocations',
  summary: {
    en: 'Puts every node on the map, within its country',
    ru: 'Отмечает каждый узел на карте в пределах его страны',
  },
  payload: z.object({}),
  schedule: { cron: '0 */6 * * *' },
  retry: { delaysMs: [minutes(2), minutes(2), minutes(2)], exhausted: 'next-run' },
  timeLimitMs: minutes(2),
  counts: {
    added: 'Nodes put on the map',
    moved: 'Nodes moved because their country changed',
    unchanged: 'Nodes that are where they belong',
    corrected: 'Rows changed by hand, left as they are',
    unknown: 'Nodes whose country has no known place',
    skipped: 'Nodes left out because the table is missing',
  },
  needs: ['flags', 'geolocations', 'panel'],

  async run(_, { flags, geolocations, log, panel, signal }) {
    const { items: nodes } = await panel.nodes(signal);
    const counts = { added: 0, moved: 0, unchanged: 0, corrected: 0, unknown: 0, skipped: 0 };
    if (!(await geolocations.tableExists())) {
      if (await flags.raise('server_geolocations_missing', days(1))) {
        const advice = "no table server_geolocations, so nodes are not put on the map; run the backend's migrations";
        log.warn({ nodes: nodes.length }, advice);
      }
      return { ...counts, skipped: nodes.length };
    }

    const rows = await geolocations.find(nodes.map(({ uuid }) => uuid));
    const rowOf = new Map(rows.map((row) => [row.nodeUuid, row]));
    const missing = [];
    for (const { countryCode, uuid } of nodes) {
      const row = rowOf.get(uuid);
      const spot = spotOf(uuid, countryCode);
      const place = spot && { nodeUuid: uuid, countryCode: countryCode.toUpperCase(), ...spot };
      const written = row && spotOf(uuid, row.countryCode);
      const isOurs = row?.city === null && row.latitude === written?.latitude && row.longitude === written.longitude;
      if (row && !isOurs) counts.corrected += 1;
      else if (!place) counts.unknown += 1;
      else if (!row) missing.push(place);
      else if (row.countryCode === place.countryCode) counts.unchanged += 1;
      else if (await geolocations.move(row, place)) counts.moved += 1;
      else counts.corrected += 1;
    }
    return { ...counts, added: await geolocations.add(missing) };
  },
});
