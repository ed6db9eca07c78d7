"""Takes deliveries and verifies them with the `standardwebhooks` library.

Usage: receive.py SECRET OTHER. Prints JSON lines: first its port, then each delivery as it came.
The first delivery is answered with 500, so that it comes again; later ones with 200.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

secret, other = (Webhook(text) for text in sys.argv[1:])


def say(line):
    print(json.dumps(line), flush=True)


def verified(webhook, body, headers):
    """What the library read, or `None` where it refused."""
    try:
        return webhook.verify(body, headers)
    except WebhookVerificationError:
        return None


class Receiver(BaseHTTPRequestHandler):
    seen = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        result = verified(secret, body, headers)
        say(
            {
                "path": self.path,
                "headers": headers,
                "body": body.decode(),
                "verified": result is not None,
                "by_other": verified(other, body, headers) is not None,
                "fields": list(result or []),
                "result": result,
            }
        )
        self.send_response(500 if Receiver.seen == 0 else 200)
        Receiver.seen += 1
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Says nothing: standard output belongs to the lines."""


server = HTTPServer(("127.0.0.1", 0), Receiver)
say({"port": server.server_port})
server.serve_forever()
