"""Reads results as TaskIQ's own client reads them.

argv[1]: the URL of Redis; stdin: [task_id, ...]; stdout: [{"is_err", "return_value", "labels", "error"} | null, ...]
"""

import asyncio
import json
import sys

from taskiq_redis import RedisAsyncResultBackend


async def read(backend, task_id):
    if not await backend.is_result_ready(task_id):
        return None
    result = await backend.get_result(task_id)
    error = result.error and {"type": type(result.error).__name__, "message": str(result.error)}
    return {"is_err": result.is_err, "return_value": result.return_value, "labels": result.labels, "error": error}


async def main():
    backend = RedisAsyncResultBackend(sys.argv[1])
    print(json.dumps([await read(backend, task_id) for task_id in json.load(sys.stdin)]))
    await backend.shutdown()


asyncio.run(main())
