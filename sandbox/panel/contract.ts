/**
 * The official contract packages, both generations, as one table of the requests and answers of each route. They are AGPL and a development
 * dependency only. The two bring their own zod versions, hence the small `Schema` they have in common.
 */
import * as contract2 from 'contract-v2';
import * as contract3 from 'contract-v3';
import type { GenerationNumber } from './wire.ts';

export type Issue = { path: PropertyKey[]; message: string };

export type Schema = {
  safeParse(value: unknown): { success: boolean; data?: unknown; error?: { issues: readonly Issue[] } };
};

export type RouteContract = { params?: Schema; query?: Schema; body?: Schema; response?: Schema };

const v2 = {
  listUsers: {
    query: contract2.GetAllUsersCommand.RequestQuerySchema,
    response: contract2.GetAllUsersCommand.ResponseSchema,
  },
  userById: {
    params: contract2.GetUserByUuidCommand.RequestSchema,
    response: contract2.GetUserByUuidCommand.ResponseSchema,
  },
  usersByTelegramId: {
    params: contract2.GetUserByTelegramIdCommand.RequestSchema,
    response: contract2.GetUserByTelegramIdCommand.ResponseSchema,
  },
  userByUsername: {
    params: contract2.GetUserByUsernameCommand.RequestSchema,
    response: contract2.GetUserByUsernameCommand.ResponseSchema,
  },
  userByShortUuid: {
    params: contract2.GetUserByShortUuidCommand.RequestSchema,
    response: contract2.GetUserByShortUuidCommand.ResponseSchema,
  },
  resolveUser: {
    body: contract2.ResolveUserCommand.RequestSchema,
    response: contract2.ResolveUserCommand.ResponseSchema,
  },
  createUser: { body: contract2.CreateUserCommand.RequestSchema, response: contract2.CreateUserCommand.ResponseSchema },
  updateUser: { body: contract2.UpdateUserCommand.RequestSchema, response: contract2.UpdateUserCommand.ResponseSchema },
  deleteUser: {
    params: contract2.DeleteUserCommand.RequestSchema,
    response: contract2.DeleteUserCommand.ResponseSchema,
  },
  disableUser: {
    params: contract2.DisableUserCommand.RequestSchema,
    response: contract2.DisableUserCommand.ResponseSchema,
  },
  enableUser: {
    params: contract2.EnableUserCommand.RequestSchema,
    response: contract2.EnableUserCommand.ResponseSchema,
  },
  resetUserTraffic: {
    params: contract2.ResetUserTrafficCommand.RequestSchema,
    response: contract2.ResetUserTrafficCommand.ResponseSchema,
  },
  revokeUser: {
    params: contract2.RevokeUserSubscriptionCommand.RequestSchema,
    body: contract2.RevokeUserSubscriptionCommand.RequestBodySchema,
    response: contract2.RevokeUserSubscriptionCommand.ResponseSchema,
  },
  bulkUpdate: {
    body: contract2.BulkUpdateUsersCommand.RequestSchema,
    response: contract2.BulkUpdateUsersCommand.ResponseSchema,
  },
  bulkResetTraffic: {
    body: contract2.BulkResetTrafficUsersCommand.RequestSchema,
    response: contract2.BulkResetTrafficUsersCommand.ResponseSchema,
  },
  bulkDelete: {
    body: contract2.BulkDeleteUsersCommand.RequestSchema,
    response: contract2.BulkDeleteUsersCommand.ResponseSchema,
  },
  bulkExtend: {
    body: contract2.BulkExtendExpirationDateCommand.RequestSchema,
    response: contract2.BulkExtendExpirationDateCommand.ResponseSchema,
  },
  nodes: { response: contract2.GetAllNodesCommand.ResponseSchema },
  enableNode: {
    params: contract2.EnableNodeCommand.RequestSchema,
    response: contract2.EnableNodeCommand.ResponseSchema,
  },
  disableNode: {
    params: contract2.DisableNodeCommand.RequestSchema,
    response: contract2.DisableNodeCommand.ResponseSchema,
  },
  bandwidth: {
    query: contract2.GetStatsNodesUsageCommand.RequestQuerySchema,
    response: contract2.GetStatsNodesUsageCommand.ResponseSchema,
  },
  metadata: { response: contract2.GetMetadataCommand.ResponseSchema },
  health: { response: contract2.GetRemnawaveHealthCommand.ResponseSchema },
  stats: { response: contract2.GetStatsCommand.ResponseSchema },
  statsBandwidth: { response: contract2.GetBandwidthStatsCommand.ResponseSchema },
  nodesMetrics: { response: contract2.GetNodesMetricsCommand.ResponseSchema },
  hosts: { response: contract2.GetAllHostsCommand.ResponseSchema },
  configProfiles: { response: contract2.GetConfigProfilesCommand.ResponseSchema },
  inbounds: { response: contract2.GetAllInboundsCommand.ResponseSchema },
} satisfies Record<string, RouteContract>;

/** The package is of a later panel, whose profiles have tags. Those of 3.3.2 have none. */
const profilesOf332: Schema = {
  safeParse(value) {
    const { error } = contract3.GetConfigProfilesCommand.ResponseSchema.safeParse(value);
    const issues = error?.issues.filter(({ path }) => path.at(-1) !== 'tags') ?? [];
    return issues.length > 0 ? { success: false, error: { issues } } : { success: true, data: value };
  },
};

const v3 = {
  listUsers: {
    query: contract3.GetUsersCommand.RequestQuerySchema,
    response: contract3.GetUsersCommand.ResponseSchema,
  },
  streamUsers: {
    query: contract3.GetUsersStreamCommand.RequestQuerySchema,
    response: contract3.GetUsersStreamCommand.ResponseSchema,
  },
  userById: {
    params: contract3.GetUserByIdCommand.RequestParamSchema,
    response: contract3.GetUserByIdCommand.ResponseSchema,
  },
  userByUsername: {
    params: contract3.GetUserByUsernameCommand.RequestParamSchema,
    response: contract3.GetUserByUsernameCommand.ResponseSchema,
  },
  userByShortUuid: {
    params: contract3.GetUserByShortUuidCommand.RequestParamSchema,
    response: contract3.GetUserByShortUuidCommand.ResponseSchema,
  },
  resolveUser: {
    body: contract3.ResolveUserCommand.RequestBodySchema,
    response: contract3.ResolveUserCommand.ResponseSchema,
  },
  createUser: {
    body: contract3.CreateUserCommand.RequestBodySchema,
    response: contract3.CreateUserCommand.ResponseSchema,
  },
  updateUser: {
    body: contract3.UpdateUserCommand.RequestBodySchema,
    response: contract3.UpdateUserCommand.ResponseSchema,
  },
  deleteUser: { params: contract3.DeleteUserCommand.RequestParamSchema },
  disableUser: {
    params: contract3.DisableUserCommand.RequestParamSchema,
    response: contract3.DisableUserCommand.ResponseSchema,
  },
  enableUser: {
    params: contract3.EnableUserCommand.RequestParamSchema,
    response: contract3.EnableUserCommand.ResponseSchema,
  },
  resetUserTraffic: {
    params: contract3.ResetUserTrafficCommand.RequestParamSchema,
    response: contract3.ResetUserTrafficCommand.ResponseSchema,
  },
  revokeUser: {
    params: contract3.RevokeUserSubscriptionCommand.RequestParamSchema,
    body: contract3.RevokeUserSubscriptionCommand.RequestBodySchema,
    response: contract3.RevokeUserSubscriptionCommand.ResponseSchema,
  },
  extendUser: {
    params: contract3.ExtendUserCommand.RequestParamSchema,
    body: contract3.ExtendUserCommand.RequestBodySchema,
    response: contract3.ExtendUserCommand.ResponseSchema,
  },
  bulkUpdate: { body: contract3.BulkUpdateUsersCommand.RequestBodySchema },
  bulkResetTraffic: { body: contract3.BulkResetTrafficUsersCommand.RequestBodySchema },
  bulkDelete: { body: contract3.BulkDeleteUsersCommand.RequestBodySchema },
  bulkExtend: { body: contract3.BulkExtendExpirationDateCommand.RequestBodySchema },
  nodes: { response: contract3.GetNodesCommand.ResponseSchema },
  enableNode: {
    params: contract3.EnableNodeCommand.RequestParamSchema,
    response: contract3.EnableNodeCommand.ResponseSchema,
  },
  disableNode: {
    params: contract3.DisableNodeCommand.RequestParamSchema,
    response: contract3.DisableNodeCommand.ResponseSchema,
  },
  bandwidth: {
    query: contract3.GetStatsNodesUsageCommand.RequestQuerySchema,
    response: contract3.GetStatsNodesUsageCommand.ResponseSchema,
  },
  metadata: { response: contract3.GetMetadataCommand.ResponseSchema },
  health: { response: contract3.GetRemnawaveHealthCommand.ResponseSchema },
  stats: { response: contract3.GetStatsCommand.ResponseSchema },
  statsBandwidth: { response: contract3.GetBandwidthStatsCommand.ResponseSchema },
  nodesMetrics: { response: contract3.GetNodesMetricsCommand.ResponseSchema },
  hosts: { response: contract3.GetHostsCommand.ResponseSchema },
  configProfiles: { response: profilesOf332 },
  inbounds: { response: contract3.GetAllInboundsCommand.ResponseSchema },
} satisfies Record<string, RouteContract>;

/** What 3.x calls each route in the scopes of its API tokens. */
const SCOPES = {
  listUsers: contract3.GetUsersCommand.endpointDetails,
  streamUsers: contract3.GetUsersStreamCommand.endpointDetails,
  userById: contract3.GetUserByIdCommand.endpointDetails,
  userByUsername: contract3.GetUserByUsernameCommand.endpointDetails,
  userByShortUuid: contract3.GetUserByShortUuidCommand.endpointDetails,
  resolveUser: contract3.ResolveUserCommand.endpointDetails,
  createUser: contract3.CreateUserCommand.endpointDetails,
  updateUser: contract3.UpdateUserCommand.endpointDetails,
  deleteUser: contract3.DeleteUserCommand.endpointDetails,
  disableUser: contract3.DisableUserCommand.endpointDetails,
  enableUser: contract3.EnableUserCommand.endpointDetails,
  resetUserTraffic: contract3.ResetUserTrafficCommand.endpointDetails,
  revokeUser: contract3.RevokeUserSubscriptionCommand.endpointDetails,
  extendUser: contract3.ExtendUserCommand.endpointDetails,
  bulkUpdate: contract3.BulkUpdateUsersCommand.endpointDetails,
  bulkResetTraffic: contract3.BulkResetTrafficUsersCommand.endpointDetails,
  bulkDelete: contract3.BulkDeleteUsersCommand.endpointDetails,
  bulkExtend: contract3.BulkExtendExpirationDateCommand.endpointDetails,
  nodes: contract3.GetNodesCommand.endpointDetails,
  enableNode: contract3.EnableNodeCommand.endpointDetails,
  disableNode: contract3.DisableNodeCommand.endpointDetails,
  bandwidth: contract3.GetStatsNodesUsageCommand.endpointDetails,
  metadata: contract3.GetMetadataCommand.endpointDetails,
  health: contract3.GetRemnawaveHealthCommand.endpointDetails,
  stats: contract3.GetStatsCommand.endpointDetails,
  statsBandwidth: contract3.GetBandwidthStatsCommand.endpointDetails,
  nodesMetrics: contract3.GetNodesMetricsCommand.endpointDetails,
  hosts: contract3.GetHostsCommand.endpointDetails,
  configProfiles: contract3.GetConfigProfilesCommand.endpointDetails,
  inbounds: contract3.GetAllInboundsCommand.endpointDetails,
} satisfies Record<keyof typeof v3, { SCOPE: string; SCOPE_KIND: 'read' | 'write' }>;

export type RouteName = keyof typeof v2 | keyof typeof v3;

/** The request and answer of a route in this generation; undefined where it has no such route. */
export function contractOf(generation: GenerationNumber, route: RouteName): RouteContract | undefined {
  const table: Partial<Record<RouteName, RouteContract>> = generation === 2 ? v2 : v3;
  return table[route];
}

/** The scope of a route of 3.x by its own name, and the kind that covers it. */
export function scopeOf(route: RouteName): { slug: string; kind: 'read' | 'write' } {
  const { SCOPE, SCOPE_KIND } = SCOPES[route as keyof typeof SCOPES];
  return { slug: SCOPE, kind: SCOPE_KIND };
}

export const webhookContract = (generation: GenerationNumber): Schema =>
  generation === 2 ? contract2.RemnawaveWebhookEventSchema : contract3.RemnawaveWebhookEventSchema;

/** "response.users.3.expireAt: Required"; undefined where the value fits. */
export function misfit(schema: Schema | undefined, value: unknown): string | undefined {
  const issues = schema?.safeParse(value).error?.issues;
  return issues?.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}
