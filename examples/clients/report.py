#!/usr/bin/env python3
"""Report a case, follow it, close it: with Python's standard library alone.

    ZHIDA_URL=http://127.0.0.1:8750 ZHIDA_TOKEN=zhida_… examples/clients/report.py MATTER PLACE

MATTER is a code of the catalogue, PLACE a grid's code.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("ZHIDA_URL", "http://127.0.0.1:8750")
TOKEN = os.environ["ZHIDA_TOKEN"]


class Problem(Exception):
    """What the server says when a request is not done (RFC 9457)."""

    def __init__(self, told):
        super().__init__(f"{told['code']}: {told['title']}")
        self.told = told


def call(method, path, body=None, tries=4):
    """Asks the server; the same key makes a second try harmless."""
    key = uuid.uuid4().hex
    while True:
        request = urllib.request.Request(URL + path, method=method)
        request.add_header("Authorization", f"Bearer {TOKEN}")
        request.add_header("Accept-Language", "zh-CN")
        data = None
        if method == "POST":
            request.add_header("Idempotency-Key", key)
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            problem = Problem(json.load(error))
            # Busy, or without room: the same again, when the server says so.
            again = error.headers.get("Retry-After")
            if again is None or tries <= 1:
                raise problem from error
            time.sleep(int(again))
        except urllib.error.URLError:
            if tries <= 1:
                raise
            time.sleep(1)
        tries -= 1


def main():
    matter, place = sys.argv[1:3]
    reported = call("POST", "/v1/cases", {
        "matter": matter,
        "place": place,
        "source": "resident",
        "text": "桥头路灯不亮，夜间行人看不清台阶。",
        "claimant": {"name": "张三", "phone": "13900000000"},
    })
    case, holder = reported["case"], reported["holder"]
    print(f"案件 {case} 已上报，责任单位 {holder}，期限 {reported['node_due_at']}")

    call("POST", f"/v1/cases/{case}/acknowledge", {"by": holder})
    print("已签收")
    call("POST", f"/v1/cases/{case}/handle", {"by": holder, "measures": "已更换灯泡。"})
    print("已处置")
    call("POST", f"/v1/cases/{case}/close", {"by": holder, "answer": "路灯已修好。"})
    print("已结案")

    # The feed since the report, page by page, until the case is closed.
    after = reported["seq"] - 1
    is_closed = False
    while not is_closed:
        page = call("GET", f"/v1/events?after={after}&wait=5")
        after = page["last_seq"]
        for event in page["events"]:
            if event.get("case") == case:
                print(f"  {event['at']} {event['type']}")
                is_closed = event["type"] == "case.closed"

    try:
        call("POST", f"/v1/cases/{case}/close", {"by": holder, "answer": "再来一次"})
    except Problem as problem:
        print(f"再次结案：{problem.told['title']}（{problem.told['code']}）")
    print("现在：" + call("GET", f"/v1/cases/{case}")["status"])


if __name__ == "__main__":
    main()
