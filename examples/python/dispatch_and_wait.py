"""Sends one message and waits until it is delivered:

    WORKER_URL=http://localhost:9090 WORKER_TOKEN=... python3 examples/python/dispatch_and_wait.py 100001 "Hello"
"""

import json
import os
import sys
import time
import uuid

from worker_api import ApiProblem, WorkerApi


def main() -> int:
    chat, message = (sys.argv[1:] + ["100001", "Hello from the API"][len(sys.argv) - 1 :])[:2]
    api = WorkerApi(os.environ.get("WORKER_URL", "http://localhost:9090"), os.environ.get("WORKER_TOKEN", ""))
    try:
        job_id = api.dispatch_send_notification(
            telegram_id=int(chat),
            message=message,
            notification_type="info",
            # Sending this again, after a timeout say, adds no second message.
            idempotency_key=str(uuid.uuid4()),
        )["job_id"]
        job = api.get_job(job_id)
        while job["state"] not in ("completed", "failed"):
            time.sleep(0.2)
            job = api.get_job(job_id)
    except ApiProblem as problem:
        print(f"{problem.status}: {problem}", file=sys.stderr)
        return 1
    print(json.dumps({"id": job_id, "state": job["state"], "result": job.get("result"), "error": job.get("error")}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
