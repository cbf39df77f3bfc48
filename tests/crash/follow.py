"""Reads an answer's events to the end, whatever happens to the line, with the standard library only.

Run as `python3 follow.py EVENTS_URL`. Prints one line of JSON: the text, the events' numbers in the
order they came, and how often the line broke."""

import http.client
import json
import sys
import time
import urllib.parse

url = urllib.parse.urlsplit(sys.argv[1])
last, text, numbers, breaks, is_over = None, [], [], -1, False
deadline = time.monotonic() + 120


def take(event, data, number):
    """One whole event."""
    global last, is_over
    last = number
    numbers.append(int(number))
    if event == "token":
        text.append(json.loads(data)["text"])
    is_over = event in ("done", "error")


while not is_over and time.monotonic() < deadline:
    breaks += 1
    headers = {"Accept": "text/event-stream"}
    if last is not None:
        headers["Last-Event-ID"] = last
    line_to_server = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    try:
        line_to_server.request("GET", url.path, headers=headers)
        response = line_to_server.getresponse()
        if response.status != 200:
            raise OSError("status %d" % response.status)
        event, data, number = "message", [], None
        while not is_over:
            line = response.readline()
            if not line.endswith(b"\n"):
                break  # What came of this event is not whole: it comes again.
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "id":
                number = value
            elif field == "event":
                event = value
            elif field == "data":
                data.append(value)
            elif not line.strip() and data:
                take(event, "\n".join(data), number)
                event, data, number = "message", [], None
    except (OSError, http.client.HTTPException):
        pass
    finally:
        line_to_server.close()
    if not is_over:
        time.sleep(0.05)

print(json.dumps({"text": "".join(text), "numbers": numbers, "breaks": breaks}))
