"""The Python worker's own broker, reading what the new worker does not know. Lies in the folder of the Python worker:

    taskiq worker forwarded_broker:broker --workers 1 --fs-discover

Its stream is TASKIQ_FORWARD_STREAM, as the new worker is told; everything else is as in `src.broker`.
"""

import os

from src.broker import broker

broker.queue_name = os.environ["TASKIQ_FORWARD_STREAM"]

__all__ = ["broker"]
