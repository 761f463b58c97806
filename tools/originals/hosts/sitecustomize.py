"""Sends requests for hosts that an original has in its code to a sandbox instead. Python loads it by itself from PYTHONPATH.

ORIGINAL_HOSTS: host=http://127.0.0.1:port, divided by commas. Only httpx is looked at: both originals use nothing else for these hosts.
"""

import os

TARGETS = dict(pair.split("=", 1) for pair in os.environ.get("ORIGINAL_HOSTS", "").split(",") if pair)


def divert() -> None:
    import httpx

    def diverted(send):
        def wrapper(self, request, **options):
            target = TARGETS.get(request.url.host)
            if target:
                place = httpx.URL(target)
                request.url = request.url.copy_with(scheme=place.scheme, host=place.host, port=place.port)
                request.headers["host"] = request.url.netloc.decode()
            return send(self, request, **options)

        return wrapper

    httpx.Client.send = diverted(httpx.Client.send)
    httpx.AsyncClient.send = diverted(httpx.AsyncClient.send)


if TARGETS:
    divert()
