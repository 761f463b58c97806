"""Calls tasks of the Python worker by its own `.kiq()` and tells under which ids. Runs among the worker's modules.

argv[1]: where the answer goes; stdin: [{"task_name", "args"?, "kwargs"?, "labels"?}, ...]; answer: {"tasks": {name: labels}, "ids": [task_id, ...]}
"""

import asyncio
import json
import sys

import src.schedules.definitions  # noqa: F401
from src.broker import broker


async def main():
    calls = json.load(sys.stdin)
    await broker.startup()
    ids = []
    for call in calls:
        kicker = broker.find_task(call["task_name"]).kicker().with_labels(**call.get("labels", {}))
        ids.append((await kicker.kiq(*call.get("args", []), **call.get("kwargs", {}))).task_id)
    tasks = {name: {k: str(v) for k, v in task.labels.items()} for name, task in sorted(broker.get_all_tasks().items())}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"tasks": tasks, "ids": ids}, file)
    await broker.shutdown()


asyncio.run(main())
