import { userInfo } from 'node:os';
import { type Config, secretsOf } from '../config.ts';
import { errorMessage, PermanentError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { packageVersion } from '../lib/version.ts';
import { masker } from '../observability/log.ts';
import { runToEnd } from '../runtime/run-to-end.ts';
import { schedulesOf } from '../runtime/scheduler.ts';
import type { Act } from '../triggers/act.ts';
import type { AuditContext } from '../triggers/audit-trail.ts';
import { type AlertContext, alertCommands } from '../triggers/cli/alerts.ts';
import { type ApprovalContext, approvalCommands } from '../triggers/cli/approvals.ts';
import { auditCommands } from '../triggers/cli/audit.ts';
import { type BrakeContext, brakeCommands } from '../triggers/cli/brake.ts';
import { type BroadcastContext, broadcastCommands } from '../triggers/cli/broadcasts.ts';
import { type CampaignContext, campaignCommands } from '../triggers/cli/campaigns.ts';
import { type Command, type CommandArgs, table, UsageError } from '../triggers/cli/command.ts';
import { type DeadLetterContext, type DeadMessages, deadLetterCommands } from '../triggers/cli/dead-letters.ts';
import { doctorCommands } from '../triggers/cli/doctor.ts';
import { type ExplainContext, explainCommands } from '../triggers/cli/explain.ts';
import { type MaintenanceContext, maintenanceCommands } from '../triggers/cli/maintenance.ts';
import { type MessageContext, messageCommands } from '../triggers/cli/messages.ts';
import { type NodesContext, nodeCommands } from '../triggers/cli/nodes.ts';
import { type PaymentContext, paymentCommands } from '../triggers/cli/payments.ts';
import { type ReceiptCommandContext, receiptCommands } from '../triggers/cli/receipts.ts';
import { type RunsContext, runsCommands } from '../triggers/cli/runs.ts';
import { type TaskContext, taskCommands } from '../triggers/cli/tasks.ts';
import { masked, outputOf, readArgs, sayFailure, type Terminal, usageOf } from '../triggers/cli/terminal.ts';
import { type TextCommandContext, textCommands } from '../triggers/cli/texts.ts';
import type { DoctorContext } from '../triggers/examination.ts';
import { type App, buildApp } from './build-app.ts';
import { doctorContext } from './doctor/examinations.ts';
import { alertsOf } from './doors/alerts-of.ts';
import { brakesContext } from './doors/brakes.ts';
import { broadcastsOf } from './doors/broadcasts-of.ts';
import { campaignsOf } from './doors/campaigns-of.ts';
import { cliApprovals } from './doors/cli-approvals.ts';
import { historyOf } from './doors/history.ts';
import { resultListener } from './doors/intake.ts';
import { outboxOf } from './doors/outbox-of.ts';
import { paymentDeskOf } from './doors/payment-desk-of.ts';
import { receiptsOf } from './doors/receipts-of.ts';
import { health } from './health-command.ts';
import { readConfig } from './read-config.ts';
import { runRoleCommand } from './role-command.ts';
import type { Role } from './roles.ts';
import { schema } from './schema-command.ts';

type CliContext = TaskContext &
  BroadcastContext &
  DeadLetterContext &
  BrakeContext &
  ApprovalContext &
  DoctorContext &
  ExplainContext &
  PaymentContext &
  RunsContext &
  MaintenanceContext &
  CampaignContext &
  AlertContext &
  MessageContext &
  ReceiptCommandContext &
  TextCommandContext &
  NodesContext &
  AuditContext;

export const ROLES: Readonly<Record<Role, string>> = {
  worker: 'Run tasks',
  scheduler: 'Keep the schedules',
  all: 'Both in one, for small installs and development',
};

/** Commands that need the whole service, in the order in which help shows them. */
const commands: readonly Command<CliContext>[] = [
  ...taskCommands,
  ...deadLetterCommands,
  ...runsCommands,
  ...alertCommands,
  ...nodeCommands,
  ...maintenanceCommands,
  ...campaignCommands,
  ...receiptCommands,
  ...broadcastCommands,
  ...messageCommands,
  ...textCommands,
  ...brakeCommands,
  ...approvalCommands,
  ...auditCommands,
  ...paymentCommands,
  ...doctorCommands,
  ...explainCommands,
];

/** Commands that need only a part of the configuration, and nothing of the service. */
const OWN_CONFIGURATION = [health, schema];

/** All commands except the roles, in the order in which help shows them. */
export const everyCommand: readonly Omit<Command<never>, 'run'>[] = [
  ...commands,
  ...OWN_CONFIGURATION.map(({ command }) => command),
];

/** Runs one command line and answers the exit code. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name = 'help', ...rest] = argv;
  if (name === 'help' || name === '--help' || name === '-h') return say(terminal, help());
  if (name === '--version' || name === 'version') return say(terminal, [packageVersion()]);
  if (rest.includes('--help') || rest.includes('-h')) return say(terminal, helpOf(name));
  const own = OWN_CONFIGURATION.find(({ command }) => command.name === name);
  if (own) return await own.run(argv, terminal);
  if (name in ROLES || name === 'worker-process') return await runRoleCommand(name as Role, terminal);
  let out = terminal;
  try {
    const command = commands.find((known) => known.name === name);
    if (!command) throw unknownCommand(name);
    const args = readArgs(rest, command);
    const config = await readConfig(terminal.env);
    out = masked(terminal, masker(secretsOf(config)));
    return await runCommand(command, args, config, out);
  } catch (error) {
    return sayFailure(error, out);
  }
}

async function runCommand(
  command: Command<CliContext>,
  args: CommandArgs,
  config: Config,
  terminal: Terminal,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  // Standard output holds the command's answer alone; errors are logged to standard error.
  const app = await buildApp({ ...config, LOG_LEVEL: 'ERROR' }, 'cli', stack);
  return (await command.run(args, cliContext(app, terminal), outputOf(args, terminal))) ?? 0;
}

function cliContext(app: App, terminal: Terminal): CliContext {
  const { config, parts } = app;
  const history = historyOf(app, 'cli');
  const caller = callerHere();
  const recordHere = (act: Act): Promise<void> => record(app, terminal, { ...act, by: caller });
  const controller = new AbortController();
  void terminal.stop.then((reason) => controller.abort(new PermanentError('interrupted', `Stopped: ${reason}`)));
  return {
    ...app,
    schedules: schedulesOf({ ...app, settings: config, overrides: config.schedules }),
    deadJobs: app.deadJobs,
    deadMessages: deadMessages(app),
    ...doctorContext(app, terminal.env),
    async runHere(name, payload, progress) {
      const { clock } = parts.foundation;
      await clock.ask();
      return await runToEnd(name, payload, {
        ...app,
        clock: () => clock.now(),
        progress,
        middleware: app.middleware(resultListener(app)),
        signal: controller.signal,
        initiatedBy: caller,
      });
    },
    pausedSchedules: pausesOf(app, caller, recordHere),
    ...brakesContext(app),
    broadcasts: broadcastsOf(app, 'cli'),
    desk: paymentDeskOf(app, 'cli'),
    campaigns: campaignsOf(app),
    history,
    ...cliApprovals(app, app.config, caller, history),
    receipts: receiptsOf(app, 'cli'),
    caller,
    record: recordHere,
    nodes: async () => (await app.services.nodeHealth.all()).nodes.map(({ record }) => record),
    alerts: alertsOf(app),
    messages: outboxOf(app),
    texts: app.services.customerTexts,
    explainUser: (who) => parts.explain.user(who, parts.foundation.clock.now(), controller.signal),
  };
}

/** The act goes on, or is done by now: where it cannot be recorded, only that is said. */
async function record(
  { services }: App,
  terminal: Terminal,
  { action, by, details, entityId, entityType }: Act & { by: string },
): Promise<void> {
  try {
    await services.auditLogs.write([{ action, entityType, entityId, newValue: { by, ...details } }]);
  } catch (error) {
    terminal.stderr(`This act is not in audit_logs: ${errorMessage(error)}\n`);
  }
}

/** Pauses of schedules, each recorded under the person at this terminal. */
function pausesOf({ parts }: App, by: string, record: (act: Act) => Promise<void>): CliContext['pausedSchedules'] {
  const about = (task: string) => ({ entityType: 'schedule', entityId: task }) as const;
  return {
    all: () => parts.pausedSchedules.all(),
    async pause(task, reason) {
      const isChanged = await parts.pausedSchedules.pause({ task, by, reason });
      if (isChanged)
        await record({
          action: 'schedule.paused',
          ...about(task),
          ...(reason !== undefined && { details: { reason } }),
        });
      return isChanged;
    },
    async resume(task) {
      const isChanged = await parts.pausedSchedules.resume(task);
      if (isChanged) await record({ action: 'schedule.resumed', ...about(task) });
      return isChanged;
    },
  };
}

/** The person at this terminal, as the system knows them. In a container the account may have no name. */
function callerHere(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    return 'cli';
  }
}

function deadMessages(app: App): DeadMessages {
  const { deadEntries: entries } = app;
  return {
    async list(limit) {
      const found = await entries.list(limit);
      return found.map(({ diedAt, detail, id, taskName }) => ({
        id,
        kind: 'message',
        task: taskName,
        failedAt: diedAt,
        reason: detail,
      }));
    },
    replay: (id) => entries.replay(id),
  };
}

function unknownCommand(name: string): UsageError {
  const known = everyCommand.map((command) => command.name);
  const close = nearest(name, [...Object.keys(ROLES), ...known]);
  const hint = close.length > 0 ? ` Did you mean ${close.join(' or ')}?` : '';
  return new UsageError(`There is no command '${name}'.${hint} \`task-worker help\` lists all.`);
}

function help(): string[] {
  const roles = Object.entries(ROLES).map(([role, summary]) => [`  ${role}`, '', summary]);
  const others = everyCommand.map(({ name, usage, summary }) => [`  ${name}`, usage, summary]);
  return ['Usage: task-worker <command> [--json]', '', ...table([...roles, ...others])];
}

/** The help text of one command, or the whole help where there is no such command. */
function helpOf(name: string): string[] {
  if (name in ROLES) return [`Usage: task-worker ${name}`, '', `  ${ROLES[name as Role]}`];
  const command = everyCommand.find((known) => known.name === name);
  return command ? [`${usageOf(command)} [--json]`, '', `  ${command.summary}`] : help();
}

function say(terminal: Terminal, lines: readonly string[]): number {
  terminal.stdout(`${lines.join('\n')}\n`);
  return 0;
}
