"""Makes requests with the `cloudevents` library.

Prints a JSON object of requests by name, each with `headers` and `body`. All carry the attributes
that the first line of standard input holds, but for the id, which is the request's name.
"""

import json
import sys
from datetime import datetime

from cloudevents.core.bindings import http
from cloudevents.core.v1.event import CloudEvent

given = json.loads(sys.stdin.readline())


def event(name, content_type, data):
    attributes = dict(given, id=name, datacontenttype=content_type)
    attributes["time"] = datetime.fromisoformat(given["time"])
    return CloudEvent(attributes=attributes, data=data)


def plain(message):
    return {"headers": message.headers, "body": message.body.decode()}


order = {"order": 42, "note": "Grüße"}
cases = {
    "json": ("application/json", order),
    "text": ("text/plain", "hello"),
    "bytes": ("application/octet-stream", b"\x00\x01\x02"),
}
requests = {}
for case, (content_type, data) in cases.items():
    for mode, write in {
        "binary": http.to_binary_event,
        "structured": http.to_structured_event,
    }.items():
        name = f"{mode}-{case}"
        requests[name] = plain(write(event(name, content_type, data)))

# The library writes no batches. A batch is the array of what it writes in structured mode.
parts = [
    http.to_structured_event(event(f"batch-{number}", "application/json", order)).body.decode()
    for number in range(3)
]
requests["batch"] = {
    "headers": {"content-type": "application/cloudevents-batch+json"},
    "body": f"[{','.join(parts)}]",
}
print(json.dumps(requests))
