"""The Python worker's own broker, reading what the new worker does not know. Lies in the folder of the Python worker:

    taskiq worker forwarded_broker:broker --workers 1

Its stream is TASKIQ_FORWARD_STREAM, as the new worker is told; everything else is as in `src.broker`.
"""

import os

# The broker imports only some of its tasks. A worker leaves messages of the others pending for ever; this module imports the rest.
import src.schedules.definitions  # noqa: F401
from src.broker import broker

broker.queue_name = os.environ["TASKIQ_FORWARD_STREAM"]

__all__ = ["broker"]
