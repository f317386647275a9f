"""What schemathesis does not know by itself: how lines of JSON, and texts of TOML, are written; and
that an operation that never worked was not tried.

Every operation must have answered 2xx some times, so that what is held against the document is not
its refusals alone. How often is counted here and told at the end: too few end the run with 1. Whether
the document's links lead anywhere is told exactly by tests/api/links.rs.
"""

import atexit
import collections
import json
import os
import sys

import schemathesis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from contract_city import City

# How often each operation must have answered 2xx.
GOOD_MIN = 3
# Those that need not, and why.
WITHOUT = {
    "get_docs": "left out: a redirect",
    "get_openapi": "schemathesis leaves out where the document itself comes from",
    "post_commands": "left out: it answers line by line",
    "advance_clock": "the server's clock is the system's, which nobody moves",
}
# Whose token the run has: no request may end it.
OWN_NAME = "administrator"

city = City()
sent = collections.Counter()
good = collections.Counter()
# What went wrong here.
broken = []


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """One line; an example of the document is lines already."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "replace")


@schemathesis.serializer("application/toml")
def toml(context, value):
    """A text as it is; whatever else comes is one that is no TOML."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace")


@schemathesis.hook
def after_load_schema(context, schema):
    """Every operation of the document counts from nothing."""
    for item in schema.raw_schema["paths"].values():
        for operation in item.values():
            good[operation["operationId"]] = 0


@schemathesis.hook
def before_call(context, case, kwargs):
    """Lets every other good request name what is there."""
    if case.path_parameters and case.path_parameters.get("name") == OWN_NAME:
        case.path_parameters["name"] = "nobody"
    name, phase = operation_id(case), case.meta and case.meta.phase.name.value
    if phase not in ("fuzzing", "stateful") or case.meta.generation.mode.is_negative:
        return
    sent[name] += 1
    if sent[name] % 2:
        return
    try:
        city.name_things(name, case)
    except Exception as error:
        # Schemathesis may pass over it.
        broken.append(f"{name} was given nothing to name: {error!r}")
        return
    case.headers.pop("Idempotency-Key", None)
    if case.headers.pop("If-Match", None) is not None:
        case.headers["If-Match"] = "*"


@schemathesis.hook
def after_call(context, case, response):
    """Counts what worked."""
    if 200 <= response.status_code < 300:
        good[operation_id(case)] += 1


def operation_id(case):
    return case.operation.definition.raw["operationId"]


@atexit.register
def tell():
    """Fails the run where something worked too seldom."""
    few = broken
    for name, count in good.items():
        if count < GOOD_MIN and name not in WITHOUT:
            few.append(f"{name} answered 2xx {count} times, not {GOOD_MIN}")
    for told in sorted(few):
        print(told, file=sys.stderr)
    if few:
        sys.stdout.flush()
        sys.stderr.flush()
        # The exit code is settled by now.
        os._exit(1)
