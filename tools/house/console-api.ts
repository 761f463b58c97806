import { type ApiRole, reaches } from '../../src/lib/api-role.ts';
import type { ApiRoute } from '../../src/triggers/http/api/route.ts';
import type { ConsoleView } from '../../src/triggers/http/console/define-view.ts';

/**
 * What gives the same over the API as a part or a button of a view: operations of the OpenAPI document, or a sentence that says why there
 * is none. `roles` says why the highest role of the operations is another one than that of the part or button.
 */
type Row = readonly string[] | { operations: readonly string[]; roles: string } | { reason: string };

/** Each view by its path: its parts and its buttons. */
type Table = Readonly<Record<string, { parts: Readonly<Record<string, Row>>; deeds?: Readonly<Record<string, Row>> }>>;

const ONLY_A_FORM = { reason: 'the empty form of the button below it' };
const SEEN_FROM_THAT_ROLE_ON = 'the view shows it to those alone who have that role';
const NAMES_CUSTOMERS = 'the API names the customer of each run, which the view does not';
const SHOWN_TO_ALL = 'the view has the button beside it, whose role it takes';

const approvals = { approve: ['approveAct'], refuse: ['refuseAct'], takeBack: ['refuseAct'] };

/** The console beside the API, with every part and button of every view there is: a new one fails the test until it has a line here. */
const CONSOLE_API: Table = {
  '/': {
    parts: {
      promises: {
        operations: ['getOverview', 'listSchedules', 'listDeadLetters', 'listPayments'],
        roles: 'the view counts payments that wait, and names none',
      },
      decisions: {
        operations: ['listBrakes', 'listBroadcasts', 'listDeadLetters', 'listPayments', 'listApprovals'],
        roles: SEEN_FROM_THAT_ROLE_ON,
      },
      incidents: ['listAlerts'],
      nodes: ['listNodes'],
      deliveries: ['getOverview'],
      running: ['listLongJobs', 'getJobProgress'],
    },
    deeds: {
      ...approvals,
      go: ['confirmBrake'],
      only_these: ['confirmBrake'],
      not_this_time: ['confirmBrake'],
      send: ['confirmBrake'],
      drop: ['confirmBrake'],
      pause: ['dispatchTask', 'pauseBroadcast'],
      resume: ['dispatchTask', 'resumeBroadcast'],
      replay: ['replayDeadLetter'],
      cancel: ['cancelJob'],
    },
  },
  '/alerts': {
    parts: { on: ['listAlerts'], mutes: ['listAlerts'], past: ['listPastAlerts'] },
    deeds: { acknowledge: ['acknowledgeAlert'], mute1: ['muteAlert'], mute8: ['muteAlert'], unmute: ['unmuteAlert'] },
  },
  '/approvals': { parts: { waiting: ['listApprovals', 'getApproval'], past: ['listApprovals'] }, deeds: approvals },
  '/audit': { parts: { entries: ['listAuditEntries'] } },
  '/brakes/:name': {
    parts: { held: ['listBrakes'], waits: ['listHeldMessages'], answers: ['listBrakeAnswers'] },
  },
  '/broadcasts': { parts: { list: ['listBroadcasts'] } },
  '/broadcasts/new': {
    parts: { form: ['getBroadcast', 'listSegments'] },
    deeds: { keep: ['addBroadcast', 'changeBroadcast', 'addPicture'] },
  },
  '/broadcasts/:id': {
    parts: { broadcast: ['getBroadcast', 'getPicture'], estimate: ['estimateBroadcast'], missed: ['listMissed'] },
    deeds: {
      send: ['sendBroadcast'],
      test: ['testBroadcast'],
      count: ['estimateBroadcast'],
      remove: ['deleteSentBroadcast'],
      pause: ['pauseBroadcast'],
      resume: ['resumeBroadcast'],
      cancel: ['cancelBroadcast'],
    },
  },
  '/bulk/new': { parts: { form: ONLY_A_FORM }, deeds: { start: ['dispatchTask'] } },
  '/campaigns': { parts: { list: ['listCampaigns'] } },
  '/campaigns/new': { parts: { form: ['getCampaign'] }, deeds: { keep: ['addCampaign', 'changeCampaign'] } },
  '/campaigns/:id': {
    parts: { campaign: ['getCampaign'], now: ['estimateCampaign'], income: ['getCampaign'] },
    deeds: { start: ['startCampaign'], pause: ['pauseCampaign'], end: ['endCampaign'] },
  },
  '/customers': { parts: { people: ['findUsers'], payments: ['findUsers'], jobs: ['findUsers'] } },
  '/customers/:who': {
    parts: { about: ['getUser'], timeline: ['getUser'] },
    deeds: { retry: ['retryMessage'], check: ['checkPayment'], clear: ['clearUnreachable'] },
  },
  '/exports': {
    parts: { new: ONLY_A_FORM, list: ['listLongJobs', 'getJobProgress', 'downloadExport'] },
    deeds: { start: ['dispatchTask'] },
  },
  '/jobs': {
    parts: {
      going: ['listLongJobs', 'getJobProgress'],
      letters: ['listDeadLetters'],
      groups: { operations: ['groupRuns'], roles: NAMES_CUSTOMERS },
      runs: { operations: ['listRuns', 'countFoundJobs'], roles: NAMES_CUSTOMERS },
    },
    deeds: {
      replay: ['replayDeadLetter'],
      cancel: ['cancelJob'],
      replayFound: ['actOnFoundJobs'],
      discardFound: ['actOnFoundJobs'],
      cancelFound: ['actOnFoundJobs'],
    },
  },
  '/jobs/:id': {
    parts: {
      facts: ['getJob', 'getJobProgress', 'watchJob'],
      attempts: { operations: ['listRunsOfJob'], roles: 'the API has the payload of each attempt with it' },
      payload: ['listRunsOfJob', 'getDeadLetter'],
    },
    deeds: { replay: ['replayDeadLetter'], cancel: ['cancelJob'] },
  },
  '/messages': {
    parts: { figures: ['countMessages'], list: ['listMessages', 'getMessage'] },
    deeds: { retry: ['retryMessage'], drop: ['dropMessage'], retryAll: ['retryMessages'] },
  },
  '/nodes': { parts: { nodes: ['listNodes', 'listNodeDays'] } },
  '/nodes/:id': {
    parts: {
      now: ['getNode'],
      past: ['listNodeDays', 'listMaintenance'],
      incidents: ['listIncidents'],
      maintenance: ['listMaintenance'],
    },
    deeds: { plan: ['planMaintenance'], end: ['endMaintenance'] },
  },
  '/payments': { parts: { list: ['listPayments'], money: ['sumPayments'] } },
  '/payments/:id': {
    parts: { payment: ['getPayment'] },
    deeds: {
      check: ['checkPayment'],
      assign: ['assignPayment'],
      assignTo: ['assignPayment'],
      extend: ['extendPayment'],
      given: ['givenPayment'],
      close: ['closePayment'],
    },
  },
  '/receipts': { parts: { list: ['listReceipts'] } },
  '/receipts/:id': {
    parts: { facts: ['getReceipt', 'downloadReceipt'], acts: ['getReceipt'] },
    deeds: { undo: ['undoReceipt'], dryUndo: ['undoReceipt'] },
  },
  '/reports': {
    parts: {
      report: ['getReport'],
      picture: ['getReportPicture'],
      text: ['getReport'],
      'over-time': ['listReportDays'],
    },
  },
  '/runbooks': {
    parts: { runbooks: { reason: 'texts for people; each alert of `listAlerts` has the path of its own' } },
  },
  '/runbooks/:name': { parts: { runbook: { reason: 'a text for people; each alert of `listAlerts` has its path' } } },
  '/system': {
    parts: {
      doctor: ['examine'],
      services: ['getOverview'],
      breakers: ['getSystem'],
      limits: ['getSystem'],
      processes: ['getSystem'],
      queues: ['getOverview'],
      links: { reason: 'links to pages that machines do not need, and the version, which `getSystem` has' },
      settings: ['listSettings'],
    },
  },
  '/tasks': { parts: { list: ['listTasks', 'listSchedules'] } },
  '/tasks/:name': {
    parts: {
      facts: ['listTasks', 'listSchedules'],
      run: { operations: ['listTasks'], roles: SHOWN_TO_ALL },
      past: { operations: ['sumRuns', 'listRuns'], roles: NAMES_CUSTOMERS },
    },
    deeds: { run: ['dispatchTask', 'runSchedule'], pause: ['pauseSchedule'], resume: ['resumeSchedule'] },
  },
  '/texts': { parts: { list: ['listTexts'] } },
  '/texts/:name': {
    parts: {
      en: ['getText', 'previewText'],
      ru: ['getText', 'previewText'],
      variables: ['getText'],
      versions: ['getText'],
    },
    deeds: { save: ['saveText', 'previewText'], restore: ['restoreText'], back: ['restoreText'] },
  },
};

type Routes = readonly Pick<ApiRoute, 'id' | 'needs'>[];
type Views = readonly (Pick<ConsoleView, 'needs' | 'path'> & {
  readonly parts: readonly { readonly name: string; readonly needs?: ApiRole }[];
  readonly deeds: Readonly<Record<string, { readonly needs: ApiRole }>>;
})[];

/** What the table does not say, or says wrongly, of these views and routes: one sentence each. */
export function consoleWithoutApi(views: Views, routes: Routes, table: Table = CONSOLE_API): string[] {
  const known = new Map(views.map((view) => [view.path, view]));
  const idle = Object.keys(table).flatMap((path) => (known.has(path) ? [] : [`${path} is no view`]));
  return [...idle, ...views.flatMap((view) => faultsOf(view, routes, table))];
}

function faultsOf({ deeds, needs, parts, path }: Views[number], routes: Routes, table: Table): string[] {
  const row = table[path];
  if (!row) return [`${path} has no line: name the operations that give each of its parts and buttons, or a reason`];
  const things = [
    ...parts.map((part) => ({ what: 'part', name: part.name, needs: part.needs ?? needs, row: row.parts[part.name] })),
    ...Object.entries(deeds).map(([name, deed]) => ({
      what: 'button',
      name,
      needs: deed.needs,
      row: row.deeds?.[name],
    })),
  ];
  const named = [...Object.keys(row.parts), ...Object.keys(row.deeds ?? {})];
  const idle = named.filter((name) => !things.some((thing) => thing.name === name));
  return [
    ...idle.map((name) => `${path} has no ${name}`),
    ...things.flatMap((thing) => {
      const about = `the ${thing.what} ${thing.name} of ${path}`;
      if (!thing.row) return [`${about} has no line`];
      return wrongRow(thing.row, thing.needs, routes).map((wrong) => `${about}: ${wrong}`);
    }),
  ];
}

function wrongRow(row: Row, needs: ApiRole, routes: Routes): string[] {
  if ('reason' in row) return [];
  const names = 'operations' in row ? row.operations : row;
  const found = names.map((id) => ({ id, route: routes.find((route) => route.id === id) }));
  const missing = found.filter(({ route }) => !route).map(({ id }) => `there is no operation ${id}`);
  const roles = found.flatMap(({ route }) => (route ? [route.needs] : []));
  const highest = roles.reduce<ApiRole>((high, role) => (reaches(role, high) ? role : high), 'view');
  const differs = highest !== needs;
  if (differs && !('operations' in row)) return [...missing, `it needs ${needs}, and its operations ${highest}`];
  return !differs && 'operations' in row ? [...missing, 'the roles are the same; give the operations alone'] : missing;
}
