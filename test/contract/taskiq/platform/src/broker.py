"""A broker with tasks and a scheduler, where the platform's own Python worker has them: `taskiq worker src.broker:broker`.

As there, a part of the tasks and all schedules are brought by `src.schedules.definitions`, which this module does not import.

Each run adds its task id to the list RAN_KEY, so that a message that is run twice is seen, and its name to the set RAN_KEY:names.
"""

import os

import redis.asyncio
from taskiq import Context, TaskiqDepends, TaskiqScheduler
from taskiq.schedule_sources import LabelScheduleSource
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

URL = os.environ["REDIS_URL"]
broker = RedisStreamBroker(url=URL).with_result_backend(RedisAsyncResultBackend(redis_url=URL, result_ex_time=600))
counting = redis.asyncio.Redis.from_url(URL)


async def ran(context: Context) -> dict:
    await counting.rpush(os.environ["RAN_KEY"], context.message.task_id)
    await counting.sadd(os.environ["RAN_KEY"] + ":names", context.message.task_name)
    return {"by": "python", "kwargs": context.message.kwargs}


@broker.task(task_name="send_notification")
async def send_notification(chat_id: int, text: str, context: Context = TaskiqDepends()) -> dict:
    return await ran(context)


@broker.task(task_name="monitor_queue_depth")
async def monitor_queue_depth(context: Context = TaskiqDepends()) -> dict:
    return await ran(context)


@broker.task(task_name="process_messaging_outbox")
async def process_messaging_outbox(
    consumer_keys: list[str] | None = None, batch_size: int | None = None, context: Context = TaskiqDepends()
) -> dict:
    return await ran(context)


scheduler = TaskiqScheduler(broker, sources=[LabelScheduleSource(broker)])
