"""The Python worker's schedules without those that the new worker has. Lies beside `forwarded_broker.py`:

    task-worker tasks --json > known-tasks.json
    taskiq scheduler forwarded_scheduler:scheduler --fs-discover

What is left goes to TASKIQ_FORWARD_STREAM at once, where `forwarded_broker` reads.
"""

import json

from forwarded_broker import broker
from taskiq import TaskiqScheduler
from taskiq.schedule_sources import LabelScheduleSource

with open("known-tasks.json", encoding="utf-8") as file:
    KNOWN = {name for task in json.load(file) for name in (task["name"], *task["aliases"])}


class OwnSchedules(LabelScheduleSource):
    async def get_schedules(self):
        return [schedule for schedule in await super().get_schedules() if schedule.task_name not in KNOWN]


scheduler = TaskiqScheduler(broker, sources=[OwnSchedules(broker)])

__all__ = ["scheduler"]
