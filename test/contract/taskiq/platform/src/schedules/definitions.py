"""Sets the schedules, and brings a task that `src.broker` does not import, as the platform's own module does."""

from taskiq import Context, TaskiqDepends

from src.broker import broker, monitor_queue_depth, process_messaging_outbox, ran


@broker.task(task_name="process_partner_bot_provisioning_jobs")
async def process_partner_bot_provisioning_jobs(context: Context = TaskiqDepends()) -> dict:
    return await ran(context)


for task in (monitor_queue_depth, process_messaging_outbox, process_partner_bot_provisioning_jobs):
    task.labels["schedule"] = [{"interval": 1}]
