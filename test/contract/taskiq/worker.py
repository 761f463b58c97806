"""A TaskIQ worker in the same group: every task answers {"by": "python", "args", "kwargs"}.

argv[1]: {"redis_url", "tasks": [name, ...], "stream"?, "group"?, "work_s"?}; runs until SIGTERM; prints "ready" when it reads.
"""

import asyncio
import json
import logging
import signal
import sys

from taskiq.api import run_receiver_task
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker


async def main():
    logging.getLogger("taskiq").setLevel(logging.ERROR)
    options = json.loads(sys.argv[1])
    url = options["redis_url"]
    broker = RedisStreamBroker(
        url,
        queue_name=options.get("stream", "taskiq"),
        consumer_group_name=options.get("group", "taskiq"),
    ).with_result_backend(RedisAsyncResultBackend(url, result_ex_time=60))

    async def answer(*args, **kwargs):
        await asyncio.sleep(options.get("work_s", 0))
        return {"by": "python", "args": args, "kwargs": kwargs}

    for name in options["tasks"]:
        broker.register_task(answer, task_name=name)
    broker.is_worker_process = True
    await broker.startup()
    receiver = asyncio.create_task(run_receiver_task(broker, validate_params=False))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, receiver.cancel)
    print("ready", flush=True)
    await asyncio.gather(receiver, return_exceptions=True)
    await broker.shutdown()


asyncio.run(main())
