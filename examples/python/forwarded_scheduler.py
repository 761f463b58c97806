"""The Python worker's schedules without those that the new worker has. Lies beside `forwarded_broker.py`:

    task-worker tasks --json > known-tasks.json
    taskiq scheduler forwarded_scheduler:scheduler

What is left goes to TASKIQ_FORWARD_STREAM at once, where `forwarded_broker` reads. It says what it keeps, and ends where that is nothing.
"""

import json
import sys

# Brings the schedules too: `src.broker` alone has tasks without any.
from forwarded_broker import broker
from taskiq import TaskiqScheduler
from taskiq.schedule_sources import LabelScheduleSource

with open("known-tasks.json", encoding="utf-8") as file:
    KNOWN = {name for task in json.load(file) for name in (task["name"], *task["aliases"])}

SCHEDULED = sorted(name for name, task in broker.get_all_tasks().items() if task.labels.get("schedule"))
KEPT = [name for name in SCHEDULED if name not in KNOWN]

if not KEPT:
    sys.exit(
        f"forwarded_scheduler keeps 0 of {len(SCHEDULED)} scheduled tasks, so it is of no use. "
        + (
            "The new worker has them all: leave this scheduler out."
            if SCHEDULED
            else "No task has a schedule: the module that sets them is not src.schedules.definitions here; import it in forwarded_broker.py."
        )
    )
print(f"forwarded_scheduler keeps {len(KEPT)} of {len(SCHEDULED)} scheduled tasks: {', '.join(KEPT)}", file=sys.stderr)


class OwnSchedules(LabelScheduleSource):
    async def get_schedules(self):
        return [schedule for schedule in await super().get_schedules() if schedule.task_name in KEPT]


scheduler = TaskiqScheduler(broker, sources=[OwnSchedules(broker)])

__all__ = ["scheduler"]
