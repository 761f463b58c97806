/** What a caller of the API or a person at the page may do. Each may do all that those before it may. */
export const API_ROLES = ['view', 'support', 'admin', 'owner'] as const;
export type ApiRole = (typeof API_ROLES)[number];

/** For the sentence of a refusal, and for the document of the API. */
export const API_ROLE_MEANINGS: Readonly<Record<ApiRole, string>> = {
  view: 'looks: state, jobs, schedules',
  support: 'answers customers: explains what they got, and why',
  admin: 'acts: dispatches, cancels, replays, decides, takes exports',
  owner: 'may do everything',
};

/** Whether somebody with this role may do what needs the other. */
export const reaches = (role: ApiRole, needed: ApiRole): boolean =>
  API_ROLES.indexOf(role) >= API_ROLES.indexOf(needed);
