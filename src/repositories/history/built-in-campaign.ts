/** The id of the campaign that stands for the four reminders before the end, which `check_expiring_subscriptions` queues itself. */
export const BUILT_IN_CAMPAIGN = '00000000-0000-8000-8000-000000000001';
