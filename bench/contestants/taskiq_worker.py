"""The platform's Python worker with a task that does nothing: `python -m taskiq worker taskiq_worker:broker`."""

import os

from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

url = os.environ["REDIS_URL"]
broker = RedisStreamBroker(url, queue_name="bench_taskiq").with_result_backend(
    RedisAsyncResultBackend(url, result_ex_time=3600)
)


@broker.task(task_name="bench_probe")
async def probe(n: int) -> dict[str, int]:
    return {"done": 1}
