"""Runs tasks of the Python worker here and now, without a stream. Runs among the worker's modules. argv: names of tasks."""

import asyncio
import sys

import src.schedules.definitions  # noqa: F401
from src.broker import broker


async def main():
    for name in sys.argv[1:]:
        await broker.find_task(name).original_func()


asyncio.run(main())
