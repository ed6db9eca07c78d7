"""An agent for `own-program.yaml`: says how long the message is, and how it begins."""

import json
import sys

run = json.load(sys.stdin)
message = str((run["input"] or {}).get("message", ""))
words = message.split()

# 75 (EX_TEMPFAIL) would ask for another attempt; any other failure is final.
if not words:
    sys.exit("there is no message")

json.dump({"words": len(words), "begins": " ".join(words[:5])}, sys.stdout)
