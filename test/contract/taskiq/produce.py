"""Calls tasks as a backend does and tells how they ended.

argv[1]: {"redis_url", "format": "pickle" | "json", "timeout_s", "stream"?}
stdin:   [{"task_name", "args"?, "kwargs"?, "labels"?, "task_id"?}, ...]; a label {"bytes": "text"} is sent as bytes
stdout:  [{"task_id", "is_err", "return_value", "execution_time", "labels", "error"} | {"task_id", "timeout": true}, ...]
"""

import asyncio
import json
import sys

from taskiq.exceptions import TaskiqResultTimeoutError
from taskiq.kicker import AsyncKicker
from taskiq.serializers import JSONSerializer, PickleSerializer
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

SERIALIZERS = {"pickle": PickleSerializer, "json": JSONSerializer}


def label(value):
    return value["bytes"].encode() if isinstance(value, dict) else value


def raised_by(result):
    """What a caller gets who asks for the error to be raised."""
    try:
        result.raise_for_error()
    except Exception as error:
        bases = [base.__name__ for base in type(error).__mro__]
        return {"type": type(error).__name__, "message": str(error), "bases": bases}
    return None


async def call(broker, timeout_s, check_interval_s, wanted):
    kicker = AsyncKicker(wanted["task_name"], broker, {k: label(v) for k, v in wanted.get("labels", {}).items()})
    kicker.with_task_id(wanted.get("task_id"))
    task = await kicker.kiq(*wanted.get("args", []), **wanted.get("kwargs", {}))
    try:
        result = await task.wait_result(check_interval=check_interval_s, timeout=timeout_s)
    except TaskiqResultTimeoutError:
        return {"task_id": task.task_id, "timeout": True}
    return {
        "task_id": task.task_id,
        "is_err": result.is_err,
        "return_value": result.return_value,
        "execution_time": result.execution_time,
        "labels": result.labels,
        "error": raised_by(result),
    }


async def main():
    options = json.loads(sys.argv[1])
    url = options["redis_url"]
    backend = RedisAsyncResultBackend(url, serializer=SERIALIZERS[options["format"]]())
    broker = RedisStreamBroker(url, queue_name=options.get("stream", "taskiq")).with_result_backend(backend)
    await broker.startup()
    calls = json.load(sys.stdin)
    # All waiting calls together ask 100 times a second at most, so that asking does not take the processor from those who answer.
    check_interval_s = max(0.02, len(calls) / 100)
    ends = await asyncio.gather(*(call(broker, options["timeout_s"], check_interval_s, one) for one in calls))
    json.dump(ends, sys.stdout)
    await broker.shutdown()


asyncio.run(main())
