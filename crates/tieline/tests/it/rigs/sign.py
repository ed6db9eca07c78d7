"""Signs standard input with the `standardwebhooks` library.

Usage: sign.py SECRET ID AGE, with the age in seconds. Prints the three headers as a JSON object.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

from standardwebhooks.webhooks import Webhook

secret, message, age = sys.argv[1:]
when = datetime.now(tz=timezone.utc) - timedelta(seconds=int(age))
body = sys.stdin.buffer.read().decode()
headers = {
    "webhook-id": message,
    "webhook-timestamp": str(int(when.timestamp())),
    "webhook-signature": Webhook(secret).sign(message, when, body),
}
print(json.dumps(headers))
